// The editor of manifests: what it marks, offers, explains, mends, compares and applies; and `kubectl edit`, which opens it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./harness.mjs";
import { inflate, provisioner } from "./lab.mjs";

const site = start();

async function withEditor(options, work, path = "/") {
  const page = await open(site.chromium, site.url + path, options);
  try {
    await page.lab.ready();
    await opened(page);
    await work(page, page.lab);
    assert.deepEqual(await page.problems(), []);
  } finally {
    await page.context().close();
  }
}

async function opened(page) {
  await page.locator('[data-tab="yaml"]').click();
  await page.waitForSelector('.nw-editor[data-ready="true"]');
}

/** Replaces the text by paste, as a person brings a manifest. */
async function write(page, text) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.evaluate((t) => navigator.clipboard.writeText(t), text);
  await page.keyboard.press("Control+v");
}

/** The whole text, also what is scrolled away. */
const text = (page) => page.evaluate(() => {
  const content = document.querySelector(".nw-editor-host").shadowRoot.querySelector(".cm-content");
  return content.cmTile?.view?.state.doc.toString() ?? content.cmView.view.state.doc.toString();
});

const problem = (page, code) => page.locator(`.nw-problems li[data-code="${code}"]`);

async function apply(page, want) {
  await page.locator('[data-action="apply"]').click();
  await page.waitForFunction((w) => new RegExp(w).test(document.querySelector(".nw-result")?.textContent ?? ""), want.source);
}

const manifest = inflate.split("\n").slice(1, -2).join("\n") + "\n";
const conflict = provisioner.replace("  consolidation:", "  ttlSecondsAfterEmpty: 30\n  consolidation:");

// A text, the problem that it has, what is said, and (where one click mends it) a text that the mended one holds.
for (const [name, source, code, says, mended] of [
  ["bad indentation", provisioner.replace("  providerRef", "   providerRef"), "yaml-syntax", /^\d+:\d+/, null],
  ["both ttlSecondsAfterEmpty and consolidation", conflict, "exclusive-fields", /ttlSecondsAfterEmpty/, /^(?![^]*ttlSecondsAfterEmpty)|^(?![^]*consolidation:)/],
  ["a misspelt field", provisioner.replace("consolidation:", "consolidaton:"), "unknown-field", /consolidaton/, /\n {2}consolidation:/],
  ["remarks behind //", manifest.replace("replicas: 0", "replicas: 0 // none yet"), "remark", /\/\//, /replicas: 0 # none yet\n/],
  ["memory without a unit", manifest.replace("cpu: 1", "memory: 128"), "memory-without-unit", /128/, /memory: "?128Mi/],
  ["a number where a text belongs", manifest.replace("      labels:\n        app: inflate", "      labels:\n        app: 1"), "needs-quotes", /app/, /app: "1"/],
  ["a no-break space of a blog", manifest.replace("replicas: 0", "replicas:\u00a00"), "hidden-character", /U\+00A0/i, /replicas: 0/],
]) {
  test(`${name}: marked at its place${mended ? ", mended by one click" : ""}, and nothing changes`, () => withEditor({}, async (page, lab) => {
    const before = (await lab.numbers()).nodes;
    await write(page, source);
    const item = problem(page, code).first();
    await item.waitFor();
    assert.match(await item.innerText(), says);
    assert.match(await item.locator(".nw-place").innerText(), /^\d+:\d+$/);
    assert.ok(await page.locator(".cm-lintRange").count() > 0, "underlined");
    assert.ok(await page.locator(".cm-lint-marker").count() > 0, "in the gutter");
    if (mended) {
      await item.locator('[data-action="fix"]').first().click();
      await item.waitFor({ state: "detached" });
      assert.match(await text(page), mended);
    } else {
      await page.locator('[data-action="apply"]').click();
      await page.waitForSelector(".nw-result .nw-err");
    }
    assert.equal((await lab.numbers()).nodes, before);
  }));
}

test("a refusal has the server's own words behind the sentence", () => withEditor({}, async (page) => {
  await write(page, conflict);
  const raw = problem(page, "exclusive-fields").locator("details").first();
  await raw.waitFor();
  assert.equal(await raw.locator("pre").isVisible(), false);
  await raw.locator("summary").click();
  assert.match(await raw.locator("pre").innerText(), /consolidation/);
}));

test("a text of the other era is converted by one click and is then good", () => withEditor({}, async (page) => {
  await write(page, provisioner.replace("cpu: 1000\n", "cpu: 1000\n"));
  const item = problem(page, "other-era");
  await item.waitFor();
  await item.locator('[data-action="fix"]').first().click();
  await item.waitFor({ state: "detached" });
  assert.match(await text(page), /kind: NodePool/);
  assert.equal(await page.locator('.nw-problems li[data-severity="error"]').count(), 0);
}, "/?era=v1"));

test("the types that are left are counted while somebody types, in both languages", () => withEditor({}, async (page) => {
  await write(page, provisioner);
  const left = (n) => page.waitForFunction((n) => new RegExp(`\\b${n}\\b`).test(document.querySelector('[data-code="types-left"] span')?.textContent ?? ""), n);
  await left(3);
  await write(page, provisioner.replace("        - c5.large\n", ""));
  await left(2);
  await page.locator(".nw-lang").click();
  await page.waitForFunction(() => /[가-힣]/.test(document.querySelector('[data-code="types-left"]')?.textContent ?? ""));
  await write(page, provisioner.replace("        - c5.large\n        - m5.large\n        - m5.xlarge", "        - z9.huge"));
  await problem(page, "no-types-left").waitFor();
}));

/** The caret behind `  rep`, a field that is half typed. */
async function halfTyped(page) {
  await write(page, manifest.replace("  replicas: 0\n", "  rep\n"));
  await page.keyboard.press("Control+Home");
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
}

test("a list that was asked for before it is known what to offer opens then", async () => {
  const page = await open(site.chromium, site.url + "/");
  let come;
  const may = new Promise((done) => (come = done));
  await page.route("**/split_extras*", (route) => may.then(() => route.continue()));
  await page.lab.ready();
  await opened(page);
  await halfTyped(page);
  await page.keyboard.type("l");
  await page.waitForTimeout(600);
  assert.equal(await page.locator(".cm-tooltip-autocomplete").count(), 0);
  come();
  assert.match(await page.locator(".cm-tooltip-autocomplete li").first().innerText(), /^replicas/);
  await page.context().close();
});

test("completion offers fields and values, hover explains them", () => withEditor({}, async (page) => {
  await halfTyped(page);
  const offer = page.locator(".cm-tooltip-autocomplete li").first();
  await page.keyboard.type("l");
  await offer.waitFor({ timeout: 5_000 });
  assert.match(await offer.innerText(), /^replicas/);
  // The list takes no key in its first moments: who types on does not mean it.
  await page.waitForTimeout(200);
  await page.keyboard.press("Enter");
  assert.match(await text(page), /\n {2}replicas:/);
  await write(page, manifest);
  await page.keyboard.press("Control+Home");
  const word = await page.locator(".cm-line", { hasText: "replicas" }).locator(".tok-key").boundingBox();
  await page.mouse.move(word.x + 4, word.y + 4);
  await page.mouse.move(word.x + 14, word.y + word.height / 2, { steps: 4 });
  const about = page.locator(".cm-tooltip .about");
  await about.waitFor();
  assert.match(await about.innerText(), /^replicas <integer>/);
  assert.ok((await about.innerText()).length > 80, "with the schema's documentation");
}));

test("changes are shown before they are made, and documents are told one by one", () => withEditor({}, async (page) => {
  await write(page, `${provisioner}---\n${manifest.replace("replicas: 0", "replicas: -1")}---\n${manifest.replaceAll("name: inflate", "name: other")}`);
  await page.locator('[data-action="compare"]').click();
  await page.locator('.nw-changes [data-effect="configured"]').first().waitFor();
  assert.match(await page.locator('.nw-changes [data-effect="configured"]').first().innerText(), /consolidation/);
  await page.locator('.nw-changes [data-effect="created"]', { hasText: "other" }).waitFor();
  await page.locator('.nw-changes [data-effect="refused"]', { hasText: "inflate" }).waitFor();
  await page.locator('[data-action="apply"]').click();
  await page.waitForFunction(() => {
    const out = document.querySelector(".nw-result")?.textContent ?? "";
    return /provisioner\.karpenter\.sh\/default configured/.test(out) && /deployment\.apps\/other created/.test(out) && /spec\.replicas: Invalid value/.test(out);
  });
}));

test("what was not applied survives another language, another theme and a reload; what was applied does not come back", () => withEditor({}, async (page, lab) => {
  const edited = provisioner.replace("cpu: 1000\n", "cpu: 77\n");
  await write(page, edited);
  await page.locator(".nw-lang").click();
  await page.locator(".nw-bar-tools button").nth(6).click();
  assert.equal(await text(page), edited);
  await page.waitForTimeout(400);
  await page.reload();
  await lab.ready();
  await opened(page);
  assert.equal(await text(page), edited);
  await apply(page, /default configured/);
  await page.reload();
  await lab.ready();
  await opened(page);
  assert.doesNotMatch(await text(page), /cpu: 77/);
}));

test("by keys alone: in, edit, apply, out", () => withEditor({}, async (page) => {
  await page.locator("#nw-tab-yaml").focus();
  for (let i = 0; i < 8 && !(await page.evaluate(() => document.activeElement.matches(".nw-editor-host"))); i++) await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.matches(".nw-editor-host")));
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\n# mine");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector(".nw-result");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.ok(!(await page.evaluate(() => document.activeElement.matches(".nw-editor-host"))), "Tab leads out");
}));

test("what is typed before the editor has come stays, with the caret", async () => {
  const page = await open(site.chromium, site.url);
  let release;
  const held = new Promise((resolve) => (release = resolve));
  await page.route("**/codemirror.js", async (route) => { await held; await route.continue(); });
  await page.lab.ready();
  await page.locator('[data-tab="yaml"]').click();
  const area = page.locator(".nw-editor-area");
  await area.fill("kind: Pod\nmetadata:\n  name: a\n");
  await area.evaluate((e) => e.setSelectionRange(9, 9));
  release();
  await page.waitForSelector('.nw-editor[data-ready="true"]');
  await page.keyboard.type("s");
  assert.match(await text(page), /^kind: Pods\n/);
  await page.context().close();
});

test("kubectl edit opens the editor, which gives it back: saved, unchanged, refused and left", () => withEditor({}, async (page, lab) => {
  const own = await text(page);
  const editing = page.locator(".nw-editing");
  const edit = async () => {
    await lab.type("kubectl edit deployment inflate");
    await editing.waitFor();
    assert.match(await editing.innerText(), /kubectl edit deployment\.apps\/inflate/);
  };
  const replace = async (from, to) => write(page, (await text(page)).replace(from, to));
  await edit();
  await replace(/replicas: \d+/, "replicas: 3");
  await page.locator('[data-action="save"]').click();
  await lab.waitOutput(/deployment\.apps\/inflate edited/);
  await page.waitForFunction(() => document.querySelectorAll(".nw-pending-pod").length === 3 || document.querySelectorAll(".nw-node").length > 2);
  assert.equal(await text(page), own, "the editor's own text is back");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA", "so is the terminal");
  await edit();
  await page.locator('[data-action="leave"]').click();
  await lab.waitOutput(/Edit cancelled, no changes made\./);
  await edit();
  await replace(/replicas: \d+/, "replicas: -4");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => /Invalid value/.test(document.querySelector(".nw-editor-host").shadowRoot.textContent));
  await page.locator('[data-action="leave"]').click();
  await page.waitForSelector('.nw-prompt[data-busy="false"]');
  await edit();
  await page.locator(".nw-prompt textarea").press("Control+c");
  await editing.waitFor({ state: "detached" });
  assert.equal(await text(page), own);
}));

test("the page says what is simulated and what is not, as the README does", () => withEditor({ lang: "ko" }, async (page) => {
  await page.locator(".nw-bar").getByRole("button", { name: "도움말" }).click();
  const tables = page.locator(".nw-simulated");
  await tables.nth(1).waitFor();
  assert.deepEqual(await tables.locator("h3").allInnerTexts(), ["흉내 내는 것과 내지 않는 것", "Karpenter 시험 가운데 아직 흉내 내지 않는 것"]);
  const readme = await page.evaluate(() => fetch("docs/README.md").then((r) => r.text()));
  const rows = readme.split("\n").filter((l) => /^\| [AB]\d{3} /.test(l)).length;
  assert.ok(rows > 0);
  assert.equal(await tables.nth(1).locator("tbody tr").count(), rows);
}, "/?lang=ko"));
