// A static server over the built page, a browser, and the words the tests use.
// DIST names the built page (default: dist at the root), CHROMIUM the browser, NODEWRIGHT_PROGRAM the command line.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
export const dist = process.env.DIST ?? join(here, "../../dist");
export const program = process.env.NODEWRIGHT_PROGRAM ?? join(here, "../../target/debug/nodewright");
const types = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm",
  ".svg": "image/svg+xml", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
};
const csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-src 'self'";

/** Serves the built page with a strict policy, and `extra` pages (path -> HTML) beside it without one. */
async function serve(extra = {}) {
  if (!existsSync(join(dist, "index.html"))) throw new Error(`no built page in ${dist}: run \`cargo xtask build\` first`);
  const server = createServer(async (request, response) => {
    let path = new URL(request.url, "http://localhost").pathname;
    if (path in extra) {
      response.writeHead(200, { "content-type": types[".html"] });
      return response.end(extra[path]);
    }
    if (path.endsWith("/")) path += "index.html";
    if (path === "/embed") path = "/embed.html";
    const file = join(dist, normalize(path));
    try {
      if (!file.startsWith(dist)) throw new Error("outside");
      const body = await readFile(file);
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": csp });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

export async function browser() {
  const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
}

/** A server (with its `extra` pages) and a browser for the tests of one file: `started.url` and `started.chromium`. */
export function start(extra) {
  const started = {};
  let server;
  before(async () => {
    server = await serve(extra);
    started.url = server.url;
    started.chromium = await browser();
  });
  after(async () => {
    await started.chromium?.close();
    server?.close();
  });
  return started;
}

/**
 * A page that notes what must not happen: console errors, policy violations, requests to other origins. `problems()`
 * gives the notes. Long tasks are noted with their length.
 */
export async function open(b, url, { lang = "en", width = 1280, height = 800, visited = true, motion = true, colorScheme = "light" } = {}) {
  const context = await b.newContext({
    viewport: { width, height }, locale: lang === "ko" ? "ko-KR" : "en-US", colorScheme,
    reducedMotion: motion ? "no-preference" : "reduce", permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  const notes = [];
  const origin = new URL(url).origin;
  page.on("console", (m) => m.type() === "error" && notes.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => notes.push(`error: ${e.message}`));
  page.on("request", (r) => !r.url().startsWith(origin) && !r.url().startsWith("data:") && notes.push(`request: ${r.url()}`));
  await page.addInitScript((seen) => {
    if (seen) try { localStorage.setItem("nodewright.visited", "1"); } catch { /* a sandboxed frame has none */ }
    window.violations = [];
    addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile ?? ""}`));
    window.longTasks = [];
    try {
      new PerformanceObserver((l) => l.getEntries().forEach((e) => window.longTasks.push([Math.round(e.startTime), Math.round(e.duration)])))
        .observe({ type: "longtask", buffered: true });
    } catch { /* not every browser tells */ }
  }, visited);
  await page.goto(url);
  page.problems = async () => [...notes, ...(await page.evaluate(() => window.violations))];
  page.lab = new Lab(page);
  return page;
}

/** What a person does and sees. */
export class Lab {
  constructor(page) {
    this.page = page;
  }

  async ready() {
    await this.page.waitForSelector(".nw-prompt textarea", { state: "attached", timeout: 20_000 });
  }

  /** Types into the terminal, letter by letter, and presses Enter. */
  async type(text, { delay = 0 } = {}) {
    const field = this.page.locator(".nw-prompt textarea");
    await field.click();
    await field.pressSequentially(text, { delay });
    await field.press("Enter");
  }

  /** Pastes a block as a person would, and confirms where the page asks. */
  async paste(text) {
    const field = this.page.locator(".nw-prompt textarea");
    await field.click();
    await this.page.evaluate((t) => navigator.clipboard.writeText(t), text);
    await field.press("Control+v");
    const run = this.page.locator('[data-action="run-paste"]');
    if (await run.count()) await run.click();
  }

  async output() {
    return (await this.page.locator(".nw-lines li").allInnerTexts()).join("\n");
  }

  /** Waits until the terminal's output matches. */
  async waitOutput(pattern, timeout = 15_000) {
    await this.page.waitForFunction(
      ([source, flags]) => new RegExp(source, flags).test([...document.querySelectorAll(".nw-lines li")].map((l) => l.innerText).join("\n")),
      [pattern.source, pattern.flags], { timeout },
    );
  }

  async speed(value) {
    await this.page.locator(".nw-speed select").selectOption(String(value));
  }

  /** The numbers that every pane shows at this instant, read in one go. */
  async numbers() {
    return this.page.evaluate(() => {
      const text = (s) => document.querySelector(s)?.textContent?.trim() ?? "";
      const pods = text('[data-line="pods"]').match(/(\d+) pods \((\d+) pending (\d+) running (\d+) bound\)/)?.slice(1).map(Number) ?? [];
      return {
        nodes: Number(text('[data-field="nodes"]').split(" ")[0]),
        used: text('[data-field="used"]').slice(1, -1),
        percent: text(".nw-grade"),
        grade: document.querySelector(".nw-grade")?.dataset.grade,
        pods, // all, pending, running, bound
        mapNodes: document.querySelectorAll(".nw-node").length,
        mapPods: document.querySelectorAll(".nw-node .nw-pod").length,
        mapPending: Number(document.querySelector(".nw-pending")?.dataset.count ?? 0),
        rows: document.querySelectorAll(".nw-viewer-table tbody tr").length,
        rate: Number(document.querySelector(".nw-rate")?.dataset.rate ?? 0),
        types: [...document.querySelectorAll(".nw-node-type span:first-child")].map((e) => e.textContent).sort(),
        cordoned: document.querySelectorAll('.nw-node[data-cordoned="true"]').length,
      };
    });
  }

  /** Waits for a milestone of the header line, then returns all numbers. */
  async milestone(expected, timeout = 30_000) {
    await this.page.waitForFunction((e) => {
      const text = (s) => document.querySelector(s)?.textContent ?? "";
      return text('[data-field="used"]') === `(${e.used})` && text('[data-line="pods"]').startsWith(e.pods);
    }, expected, { timeout, polling: 50 }).catch(async (error) => {
      throw new Error(`never saw ${JSON.stringify(expected)}; last: ${JSON.stringify(await this.numbers())}`, { cause: error });
    });
    return this.numbers();
  }
}
