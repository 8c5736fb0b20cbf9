// `nodewright observe --web`: the page attached to a cluster, of which an API server of recorded objects tells.
// NODEWRIGHT_PROGRAM names the program.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ApiServer } from "./apiserver.mjs";
import { browser, dist, open, program } from "./harness.mjs";

/** Seven pods on nodes that Karpenter made; a budget holds them there. */
const past = `kubectl patch nodepool default --type merge -p '{"spec":{"template":{"spec":{"expireAfter":"Never"}}}}'
echo '{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"inflate"},"spec":{"minAvailable":"100%","selector":{"matchLabels":{"app":"inflate"}}}}' | kubectl apply -f -
kubectl scale deployment inflate --replicas 7
sleep 240
kubectl get nodes,pods,nodepools,nodeclaims,ec2nodeclasses,deployments,replicasets,daemonsets,poddisruptionbudgets,priorityclasses,namespaces,events -A -o json`;

let folder, chromium, cluster, objects;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodewright-attached-"));
  await writeFile(join(folder, "past.sh"), past);
  const run = await promisify(execFile)(program, ["run", join(folder, "past.sh"), "--era", "v1", "--scenario", "playground", "-o", "ndjson"], { maxBuffer: 1 << 26 });
  const entries = run.stdout.trim().split("\n").map((line) => JSON.parse(line));
  objects = JSON.parse(entries.find((e) => e.cmd?.startsWith("kubectl get nodes")).stdout).items;
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await rm(folder, { recursive: true, force: true });
});

/** An API server, and the program that shows it; `look.address` is what it prints. */
async function look() {
  cluster = new ApiServer(objects);
  const server = await cluster.start();
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, JSON.stringify({
    apiVersion: "v1", kind: "Config", "current-context": "prod \"<1>", clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: {} }], contexts: [{ name: "prod \"<1>", context: { cluster: "c", user: "u" } }],
  }));
  const child = spawn(program, ["observe", "--web", "--page", dist, "--kubeconfig", kubeconfig]);
  const address = await new Promise((done, fail) => {
    let said = "";
    child.stdout.on("data", (d) => (said += d).includes("\n") && done(said.trim()));
    child.stderr.on("data", (d) => (said += d));
    child.on("exit", (code) => fail(new Error(`ended with ${code}: ${said}`)));
  });
  const end = () => {
    child.removeAllListeners("exit");
    child.kill("SIGTERM");
    cluster.close();
  };
  return { address, end, child };
}

async function attached(options, run) {
  const { address, end, child } = await look();
  try {
    const page = await open(chromium, address + (options.query ?? ""), options);
    await page.waitForFunction((n) => document.querySelectorAll(".nw-viewer-table tbody tr").length === n, cluster.all("Node").length);
    await run(page, address, child);
    await page.context().close();
  } finally {
    end();
  }
}

const rows = (page) => page.locator(".nw-viewer-table tbody tr").count();

test("a real cluster in the panes, and as it changes", () => attached({}, async (page) => {
  const nodes = cluster.all("Node").length;
  const pods = cluster.all("Pod").length;
  assert.equal(await page.locator(".nw-brand h1").innerText(), "prod \"<1>");
  assert.equal(await page.locator(".nw-read-only").innerText(), "Real cluster · read-only");
  const numbers = await page.lab.numbers();
  assert.equal(numbers.mapNodes, nodes);
  assert.ok(numbers.rate > 0 && pods > 7, JSON.stringify(numbers));
  for (const gone of [".nw-prompt", ".nw-term", ".nw-lesson", ".nw-timeline", ".nw-time", ".nw-replicas", '[data-tab="yaml"]', '[data-tab="logs"]']) {
    assert.equal(await page.locator(gone).count(), 0, gone);
  }
  const spot = cluster.all("Node").find((n) => n.metadata.labels["karpenter.sh/capacity-type"] === "spot");
  cluster.remove(spot);
  await page.waitForFunction((n) => document.querySelectorAll(".nw-viewer-table tbody tr").length === n, nodes - 1);
  const less = await page.lab.numbers();
  assert.ok(less.rate < numbers.rate);
  assert.equal(less.mapNodes, nodes - 1);
  cluster.put(spot);
  await page.waitForFunction((rate) => Number(document.querySelector(".nw-rate").dataset.rate) === rate, numbers.rate);

  await page.locator('[data-tab="events"]').click();
  await page.waitForSelector(".nw-events tbody tr");
  // Times are in UTC, as the cluster's own.
  const told = await page.locator(".nw-events tbody time").allInnerTexts();
  const recorded = cluster.all("Event").map((e) => (e.lastTimestamp ?? e.eventTime).slice(11, 19));
  assert.deepEqual([...new Set(told)].filter((time) => !recorded.includes(time)), []);
  assert.match(await page.locator(".nw-clock").innerText(), /^\d\d:\d\d:\d\d UTC$/);
  await page.locator('[data-tab="cost"]').click();
  await page.waitForSelector(".nw-chart-svg svg");
  assert.deepEqual(await page.problems(), []);
  assert.deepEqual([...new Set(cluster.asked.map((a) => a.split(" ")[0]))], ["GET"]);
}));

test("why a node is still there, and what would change it", () => attached({}, async (page) => {
  await page.waitForSelector('[data-why="plan"]', { timeout: 60_000 });
  const spot = cluster.all("Node").find((n) => n.metadata.labels["karpenter.sh/capacity-type"] === "spot").metadata.name;
  await page.locator(`tr[data-node="${spot}"] .nw-row-name`).click();
  await page.waitForFunction(() => document.querySelectorAll(".nw-why li").length === 1);
  const why = await page.locator(".nw-why li").allInnerTexts();
  assert.match(why[0], /The node .* stays\./);
  assert.match(why[0], /Blocked by\s+PodDisruptionBudget default\/inflate: no eviction of default\/inflate-.+ now/);
  assert.match(why[0], /What would change it\s+more ready pods, or a default\/inflate that lets one go/);
  // Without the budget the nodes are cheaper together.
  for (const budget of cluster.all("PodDisruptionBudget").filter((b) => b.metadata.name === "inflate")) cluster.remove(budget);
  // What the plan could not read is said beside it.
  cluster.forbidden.add("/apis/scheduling.k8s.io/v1/priorityclasses");
  await page.locator('[data-action="ask"]').click();
  await page.locator(".nw-why .nw-muted", { hasText: "no permission to list priorityclasses.scheduling.k8s.io: not for you" }).waitFor();
  await page.waitForFunction(() => !/PodDisruptionBudget/.test(document.querySelector(".nw-why").innerText), null, { timeout: 60_000 });
  await page.locator(".nw-lang").click();
  await page.waitForFunction(() => /노드는 그대로 있어요|대를 /.test(document.querySelector(".nw-why").innerText));
  assert.deepEqual(await page.problems(), []);
}));

test("no address and no message is a command there", () => attached({ query: "?lesson=karpenter-basics-v1alpha5&era=v1alpha5&scenario=kwok&panes=term&lang=ko&theme=dark#kubectl%20delete%20nodes" }, async (page) => {
  assert.equal(await page.locator(".nw-lesson, .nw-term").count(), 0);
  assert.equal(await page.locator(".nw").getAttribute("data-theme"), "dark");
  assert.equal(await page.locator(".nw").getAttribute("lang"), "ko");
  const before = await rows(page);
  await page.evaluate(() => window.postMessage({ type: "nodewright", command: "kubectl delete nodes --all", run: true }, "*"));
  for (const key of ["Space", ".", "]", "Control+z", "g", "t"]) await page.keyboard.press(key);
  await page.waitForTimeout(1_500);
  assert.equal(await rows(page), before);
  assert.ok(cluster.asked.every((a) => a.startsWith("GET ")));
}));

test("only who has the address, on this machine, sees it", async () => {
  const { address, end } = await look();
  try {
    const url = new URL(address);
    const ask = (path, headers = {}, method = "GET") => new Promise((done, fail) => {
      const r = request({ host: "127.0.0.1", port: url.port, path, method, headers: { host: url.host, ...headers } }, (response) => {
        response.resume();
        response.on("end", () => done([response.statusCode, response.headers]));
      });
      r.on("error", fail);
      r.end();
    });
    const [status, headers] = await ask(url.pathname);
    assert.equal(status, 200);
    assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.equal(headers["referrer-policy"], "no-referrer");
    const check = async (want, ...asked) => assert.equal((await ask(...asked))[0], want, JSON.stringify(asked));
    await check(404, "/");
    await check(404, "/plan");
    await check(404, `/${"0".repeat(32)}/plan`);
    await check(404, `${url.pathname}../../etc/passwd`);
    await check(403, url.pathname, { host: "evil.example" });
    await check(403, `${url.pathname}plan`, { origin: "http://evil.example" });
    await check(403, `${url.pathname}plan`, { "sec-fetch-site": "cross-site" });
    await check(405, url.pathname, {}, "POST");
    await check(405, `${url.pathname}plan`, {}, "DELETE");
  } finally {
    end();
  }
});

test("who watches is gone, and what cannot be read is said", () => attached({}, async (page, _, child) => {
  cluster.close();
  await page.waitForSelector(".nw-notes", { timeout: 30_000 });
  await page.locator(".nw-notes summary").click();
  assert.match(await page.locator(".nw-notes").innerText(), /not current since .*nodes/);
  assert.ok((await rows(page)) > 0, "what was known is shown");
  child.removeAllListeners("exit");
  child.kill("SIGKILL");
  await page.waitForFunction(() => document.querySelector(".nw-read-only").innerText === "Not connected");
  await page.locator('[data-action="ask"]').click();
  await page.waitForFunction(() => document.querySelector(".nw-why [role=status]").innerText === "Not connected");
}));

test("it fits a phone", () => attached({ width: 375, height: 812, lang: "ko" }, async (page) => {
  assert.equal(await page.locator(".nw-read-only").innerText(), "진짜 클러스터 · 읽기만 해요");
  assert.equal(await page.locator(".nw-phone-tabs button").count(), 2);
  await page.locator('[data-phone-tab="more"]').click();
  await page.locator('[data-tab="why"]').click();
  await page.waitForSelector('[data-why="plan"]', { timeout: 60_000 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375);
}));
