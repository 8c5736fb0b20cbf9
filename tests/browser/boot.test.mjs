// The page before and while the wasm module arrives: what is drawn, what is said when it does not come, what is sent.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { browser as launch } from "./harness.mjs";

/** Address of the page as `cargo xtask serve` serves it; `cargo xtask test browser` sets it. */
const url = process.env.NODEWRIGHT_URL;
let browser;
before(async () => {
  assert.ok(url, "NODEWRIGHT_URL is not set; run `cargo xtask test browser`");
  browser = await launch();
});
after(() => browser?.close());

/** A fresh page; `problems` holds console errors (policy reports are among them) and exceptions. */
async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  return { context, page, problems };
}

/** Waits until the wasm module has started. */
function ready(page) {
  return page.waitForFunction(() => document.documentElement.dataset.ready !== undefined, null, { timeout: 60_000 });
}

/** A page whose wasm module is answered by `answer`. */
async function withModule(answer, options) {
  const opened = await open(browser, options);
  await opened.context.route("**/*.wasm", answer);
  return opened;
}

test("the start cluster is drawn before the module is there", async () => {
  let release;
  const held = new Promise((resolve) => (release = resolve));
  const { context, page, problems } = await withModule(async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(url, { waitUntil: "domcontentloaded" });
  assert.equal(await page.locator("[data-node]").count(), 2);
  assert.equal(await page.locator(".boot-progress").isVisible(), true);
  release();
  await ready(page);
  await page.locator(".boot").waitFor({ state: "detached" });
  assert.deepEqual(problems, []);
  await context.close();
});

test("a module that does not come is told, with its cause, and can be tried again", async () => {
  for (const [lang, fail, says] of [
    ["en", (route) => route.abort(), "did not arrive"],
    ["en", (route) => route.fulfill({ status: 503, body: "" }), "503"],
    ["ko", (route) => route.abort(), "받지 못했어요"],
    ["en", (route) => route.fulfill({ contentType: "application/wasm", body: "no module" }), "WebAssembly"],
  ]) {
    let broken = true;
    const { context, page } = await withModule((route) => (broken ? fail(route) : route.continue()));
    await page.goto(`${url}/?lang=${lang}`);
    const failure = page.locator(".boot-failure");
    await failure.waitFor({ state: "visible" });
    assert.match(await failure.innerText(), new RegExp(says));
    assert.equal(await page.locator(".boot-progress").isVisible(), false);
    broken = false;
    await page.locator(".boot-retry").click();
    await ready(page);
    await context.close();
  }
});

test("progress is shown without a content length", async () => {
  const { context, page } = await open(browser);
  await page.addInitScript(() => {
    const shares = (globalThis.shares = []);
    const value = Object.getOwnPropertyDescriptor(HTMLProgressElement.prototype, "value");
    Object.defineProperty(HTMLProgressElement.prototype, "value", {
      ...value,
      set(share) {
        shares.push(share);
        value.set.call(this, share);
      },
    });
  });
  await page.route("**/*.wasm", async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    delete headers["content-length"];
    await route.fulfill({ response, headers });
  });
  await page.goto(url);
  await ready(page);
  const shares = await page.evaluate(() => globalThis.shares);
  assert.ok(shares.length > 0 && shares.every((s) => s >= 0 && s <= 100), `${shares}`);
  assert.equal(Math.max(...shares), 100);
  await context.close();
});

test("without JavaScript the page says so and names another way", async () => {
  const { context, page } = await open(browser, { javaScriptEnabled: false });
  await page.goto(url);
  const text = await page.locator("noscript").innerText();
  assert.match(text, /JavaScript/);
  assert.match(text, /자바스크립트/);
  await context.close();
});

test("files come with their types and policies", async () => {
  const { context, page } = await open(browser);
  const get = async (path) => {
    const response = await page.request.get(`${url}${path}`);
    return { status: response.status(), headers: response.headers() };
  };
  const index = await get("/");
  assert.match(index.headers["content-security-policy"], /script-src http:\/\/127\.0\.0\.1:\d+ 'wasm-unsafe-eval';/);
  const embed = await get("/embed?lang=ko");
  assert.equal(embed.status, 200);
  assert.match(embed.headers["content-security-policy"], /frame-ancestors \*$/);
  const module = await get("/nodewright-page_bg.wasm");
  assert.equal(module.headers["content-type"], "application/wasm");
  assert.equal(module.headers["access-control-allow-origin"], "*");
  assert.equal((await get("/boot.js")).headers["access-control-allow-origin"], "*");
  assert.equal((await get("/../Cargo.toml")).status, 404);
  assert.equal((await get("/nothing.js")).status, 404);
  await context.close();
});

test("a sandboxed frame of another site runs the embed", async () => {
  const { context, page, problems } = await open(browser);
  const body = `<!doctype html><title>host</title><link rel="icon" href="data:,">
    <iframe title="lab" sandbox="allow-scripts" width="640" height="400" src="${url}/embed?lang=en"></iframe>`;
  const host = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(body));
  await new Promise((done) => host.listen(0, "127.0.0.1", done));
  await page.goto(`http://127.0.0.1:${host.address().port}/`);
  const frame = page.frameLocator("iframe");
  await frame.locator("html[data-ready]").waitFor({ state: "attached", timeout: 60_000 });
  assert.deepEqual(problems, []);
  host.close();
  await context.close();
});
