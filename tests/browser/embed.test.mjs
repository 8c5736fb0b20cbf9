// The embed: a polite guest of 640 x 400.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./harness.mjs";

const address = "/embed?lesson=karpenter-basics-v1alpha5&lang=ko";
const host = `<!doctype html><html lang="ko"><title>host</title><link rel="icon" href="data:,"><body style="margin:0"><input id="mine">
<iframe id="lab" title="Karpenter 실습" width="640" height="400" style="border:0;display:block" src="${address}"></iframe>
<div style="height:3000px"></div></body></html>`;
const site = start({ "/host.html": host });

test("640 x 400: map and terminal, no scroll bars, no focus taken, address unchanged", async () => {
  const page = await open(site.chromium, `${site.url}/host.html`, { lang: "ko", width: 900, height: 600 });
  await page.locator("#mine").focus();
  const frame = page.frameLocator("#lab");
  await frame.locator(".nw-prompt textarea").waitFor({ timeout: 20_000 });
  await frame.locator(".nw-node").first().waitFor();
  await page.waitForTimeout(500);
  assert.equal(await page.evaluate(() => document.activeElement.id), "mine");
  assert.equal(await page.evaluate(() => scrollY), 0);
  const inner = page.frames()[1];
  const size = await inner.evaluate(() => {
    const e = document.scrollingElement;
    return { scroll: [e.scrollWidth, e.scrollHeight], client: [e.clientWidth, e.clientHeight] };
  });
  assert.deepEqual(size.scroll, size.client);
  for (const target of [".nw-map", ".nw-term"]) assert.ok(await frame.locator(target).isVisible(), target);
  assert.equal(new URL(inner.url()).pathname + new URL(inner.url()).search, address);
  const small = await inner.evaluate(() => [...document.querySelectorAll("button, a, select")].filter((e) => e.checkVisibility())
    .map((e) => [e.className || e.tagName, e.getBoundingClientRect()]).filter(([, r]) => r.width < 24 || r.height < 24).map(([n, r]) => `${n} ${r.width}x${r.height}`));
  assert.deepEqual(small, []);
  await page.mouse.move(320, 200);
  await page.mouse.wheel(0, 300);
  await page.waitForFunction(() => scrollY > 0);
  assert.deepEqual(await page.problems(), []);
  await page.context().close();
});

test("commands work in the embed", async () => {
  const page = await open(site.chromium, `${site.url}${address}`, { lang: "ko", width: 640, height: 400 });
  await page.lab.ready();
  await page.lab.type("kubectl get nodes");
  await page.lab.waitOutput(/NAME +STATUS/);
  assert.deepEqual(await page.problems(), []);
  await page.context().close();
});

test("the example page of the docs shows a working lab", async () => {
  const page = await open(site.chromium, `${site.url}/docs/embed-example.html`, { lang: "ko", width: 900, height: 700 });
  const frame = page.frameLocator("iframe");
  const prompt = frame.locator(".nw-prompt textarea");
  await prompt.waitFor({ timeout: 20_000 });
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "IFRAME");
  await prompt.click();
  await prompt.fill("kubectl get nodes");
  await prompt.press("Enter");
  await frame.getByText("v1.27.3").first().waitFor();
  await page.context().close();
});
