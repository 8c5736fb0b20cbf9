// Hangul: composition in the orders that browsers send, Korean layouts, both languages in place, narrow and enlarged pages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./harness.mjs";

const site = start();

async function withPage(options, work, path = "/?lang=ko") {
  const page = await open(site.chromium, site.url + path, { lang: "ko", ...options });
  try {
    await page.lab.ready();
    await work(page, page.lab, page.locator(".nw-prompt textarea"), await page.context().newCDPSession(page));
    assert.deepEqual(await page.problems(), []);
  } finally {
    await page.context().close();
  }
}

const compose = async (cdp, ...texts) => {
  for (const text of texts) await cdp.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
};

/** Events that the page is shown, as other engines order them. */
const events = (page, list) => page.evaluate((all) => {
  const field = document.querySelector(".nw-prompt textarea");
  for (const [type, init] of all) {
    if (init.value !== undefined) field.value = init.value;
    const make = type.startsWith("key") ? KeyboardEvent : type.startsWith("comp") ? CompositionEvent : InputEvent;
    field.dispatchEvent(new make(type, { bubbles: true, cancelable: true, ...init }));
  }
}, list);

const echoes = async (lab) => (await lab.output()).split("\n").filter((l) => l === "안녕").length;

for (const [engine, order] of [
  // Chromium: the Enter that ends a composition belongs to it.
  ["chromium", [["compositionstart", {}], ["keydown", { key: "Enter", keyCode: 229, isComposing: true }], ["compositionend", { data: "녕" }]]],
  // WebKit: the composition ends first, and the Enter that ended it says 229 and no composition.
  ["webkit", [["compositionstart", {}], ["compositionend", { data: "녕" }], ["keydown", { key: "Enter", keyCode: 229, isComposing: false }]]],
  // Gecko: the key is "Process".
  ["gecko", [["compositionstart", {}], ["keydown", { key: "Process", keyCode: 229, isComposing: true }], ["compositionend", { data: "녕" }]]],
]) {
  test(`Enter that ends a composition runs nothing, the next one runs once (${engine})`, () => withPage({}, async (page, lab, field) => {
    await field.fill("echo 안녕");
    await events(page, order);
    await page.waitForTimeout(100);
    assert.equal(await echoes(lab), 0);
    assert.equal(await field.inputValue(), "echo 안녕");
    await field.press("Enter");
    await lab.waitOutput(/안녕$/);
    assert.equal(await echoes(lab), 1);
  }));
}

test("composing, deleting, committing: the field holds each syllable once", () => withPage({}, async (page, lab, field, cdp) => {
  await field.click();
  await compose(cdp, "ㅎ", "하", "한", "하", "ㅎ", "");
  assert.equal(await field.inputValue(), "");
  // A double consonant is typed with Shift; nothing else may take it.
  await compose(cdp, "ㅅ");
  await events(page, [["keydown", { key: "Shift", keyCode: 229, shiftKey: true, isComposing: true }], ["keydown", { key: "ㅆ", code: "KeyT", keyCode: 229, shiftKey: true, isComposing: true }]]);
  await compose(cdp, "ㅆ", "써");
  await cdp.send("Input.insertText", { text: "써" });
  assert.equal(await field.inputValue(), "써");
  // Without composition events, as WebKit replaces the last syllable.
  await events(page, [["input", { inputType: "insertReplacementText", data: "썼", value: "썼" }]]);
  await page.waitForTimeout(50);
  assert.equal(await field.inputValue(), "썼");
}));

test("kubectl typed in Hangul mode is offered as such, with the rest of the line", () => withPage({}, async (page, lab, field) => {
  await field.fill("ㅏㅕㅠㄷㅊ시 get nodes -o wide");
  await page.locator(".nw-offer").waitFor();
  await page.locator(".nw-offer button").click();
  assert.equal(await field.inputValue(), "kubectl get nodes -o wide");
}));

test("shortcuts go by the key's place, and not while composing", () => withPage({}, async (page) => {
  await page.locator(".nw-map h2").click();
  const key = (init) => page.evaluate((i) => document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, ...i })), init);
  await key({ key: "ㅎ", code: "KeyG" });
  await key({ key: "ㅛ", code: "KeyY" });
  await page.waitForSelector('[data-shown="yaml"]');
  await key({ key: "ㅎ", code: "KeyG", isComposing: true });
  await key({ key: "ㅣ", code: "KeyL", isComposing: true });
  await page.waitForTimeout(100);
  assert.equal(await page.locator("[data-shown]").getAttribute("data-shown"), "yaml");
  await page.locator(".nw-map h2").click();
  await key({ key: "ㅗ", code: "KeyH" });
  await page.locator(".nw-hints li").first().waitFor();
}, "/?lang=ko&lesson=karpenter-basics-v1alpha5"));

test("a filter in parts finds what is written whole", () => withPage({}, async (page) => {
  const filter = page.locator(".nw-map .nw-filter");
  await filter.fill("안녕".normalize("NFD"));
  assert.equal(await filter.evaluate((e) => e.value), "안녕".normalize("NFC"));
}));

/** Words of the page that no Korean reader needs in English. */
async function english(page) {
  return page.evaluate(() => {
    const found = [];
    const names = /^(nodewright|kubectl|Karpenter|YAML|CSV|DEBUG|English|Esc|Enter|Space|Tab|Ctrl|CPU|KST|USD|eks-node-viewer|Linux|Ready|NotReady|spot|SIGTERM|cordon|Provisioner|NodePool|Deployment|DaemonSet|Pod|PDB|TTL|OD|S)$/i;
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n = walk.nextNode(); n; n = walk.nextNode()) {
      const at = n.parentElement;
      if (!at.checkVisibility() || at.closest('[lang="en"], pre, code, kbd, select, script, style, .nw-viewer, .nw-node, .nw-table')) continue;
      const words = n.textContent.match(/[A-Za-z][A-Za-z-]{2,}/g) ?? [];
      if (/^[a-z0-9-]+-[a-z0-9]*\d[a-z0-9-]*$/.test(n.textContent.trim())) continue; // the name of an object
      const odd = words.filter((w) => !names.test(w));
      if (odd.length && !/[가-힣]/.test(n.textContent)) found.push(n.textContent.trim());
    }
    for (const e of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
      for (const name of ["aria-label", "title", "placeholder"]) {
        const text = e.getAttribute(name);
        if (text && !/^[a-z0-9-]+-[a-z0-9]*\d[a-z0-9-]*$/.test(text) && e.checkVisibility() && !e.closest('[lang="en"]') && /[A-Za-z]{3,}/.test(text) && !/[가-힣]/.test(text) && !text.split(/[^A-Za-z-]+/).every((w) => !w || names.test(w))) {
          found.push(`${name}: ${text}`);
        }
      }
    }
    return found;
  });
}

test("the Korean page has no English left over", () => withPage({}, async (page, lab) => {
  await lab.speed(30);
  await lab.type("kubectl scale deployment inflate --replicas 5");
  await page.waitForFunction(() => document.querySelectorAll(".nw-node").length === 3, null, { timeout: 30_000 });
  for (const tab of ["logs", "events", "yaml", "cost", "why"]) {
    await page.locator(`[data-tab="${tab}"]`).click();
    await page.waitForTimeout(300);
    assert.deepEqual(await english(page), [], tab);
  }
  for (const name of ["도움말", "공유"]) {
    await page.locator(".nw-bar").getByRole("button", { name }).click();
    await page.locator(".nw-dialog").waitFor();
    assert.deepEqual(await english(page), [], name);
    await page.keyboard.press("Escape");
  }
}));

test("the language changes within 200 ms, and text, focus, caret and scroll stay", () => withPage({}, async (page, lab, field) => {
  await lab.type("seq 300");
  await lab.waitOutput(/\n300$/);
  const list = page.locator(".nw-output .nw-scroll-in");
  await list.evaluate((e) => { e.scrollTop = 500; });
  await page.locator(".nw-to-end").waitFor();
  await field.fill("kubectl get pods");
  await field.evaluate((e) => e.setSelectionRange(7, 7));
  // What else the machine does can only make it longer, so one run within the time is proof. An odd number of changes.
  const took = [];
  do {
    took.push(await page.evaluate(() => new Promise((done) => {
      document.querySelector(".nw-prompt textarea").focus();
      const began = performance.now();
      new MutationObserver((_, o) => (o.disconnect(), requestAnimationFrame(() => done(performance.now() - began))))
        .observe(document.documentElement, { attributeFilter: ["lang"] });
      document.querySelector(".nw-lang").click();
    })));
  } while (took.length < 9 && (took.length % 2 === 0 || Math.min(...took) > 200));
  assert.ok(Math.min(...took) <= 200, `milliseconds: ${took.map(Math.round)}`);
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  const now = await field.evaluate((e) => [e.value, e.selectionStart, document.activeElement === e]);
  assert.deepEqual(now, ["kubectl get pods", 7, true]);
  assert.ok(Math.abs(await list.evaluate((e) => e.scrollTop) - 500) < 30);
}));

for (const [name, width, height] of [["200 % zoom", 640, 400], ["320 px", 320, 640]]) {
  test(`nothing is cut off at ${name}`, () => withPage({ width, height }, async (page) => {
    for (const tab of ["learn", "map", "term", "logs", "more"]) {
      await page.locator(`[data-phone-tab="${tab}"]`).click();
      await page.waitForTimeout(150);
      const cut = await page.evaluate(() => [...document.querySelectorAll("button, h2, label")].filter((e) => e.checkVisibility() && !e.closest(".nw-tabs, .nw-chips, .nw-sr") && !e.matches(".nw-sr, .nw-chip"))
        .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).display !== "inline").map((e) => e.innerText || e.className));
      assert.deepEqual(cut, [], tab);
      const page2d = await page.evaluate(() => document.scrollingElement.scrollWidth > innerWidth);
      assert.equal(page2d, false, tab);
    }
    assert.equal(await page.locator(".nw").evaluate((e) => getComputedStyle(e).wordBreak), "keep-all");
  }));
}

test("Ctrl+Enter applies, but not in the middle of a syllable; the pane is left by Esc and Tab", () => withPage({}, async (page, lab, field, cdp) => {
  await page.locator('[data-tab="yaml"]').click();
  await page.waitForSelector('.nw-editor[data-ready="true"]');
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Home");
  await compose(cdp, "ㅎ", "하");
  await page.keyboard.press("Control+Enter");
  await page.waitForTimeout(200);
  assert.equal(await page.locator(".nw-result").count(), 0);
  await compose(cdp, "");
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => /provisioner\.karpenter\.sh\/default (unchanged|configured)/.test(document.querySelector(".nw-result")?.textContent ?? ""));
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest?.(".nw-editor") ?? null), null);
}));
