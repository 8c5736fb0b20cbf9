// The terminal as people use it: keys, paste, history, long output, three at once. Where a line of typing and an expected
// output say it all, they are rows of a table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, start } from "./harness.mjs";
import { inflate, logs } from "./lab.mjs";

const site = start();

async function withPage(options, work, path = "/") {
  const page = await open(site.chromium, site.url + path, options);
  try {
    await page.lab.ready();
    await work(page, page.lab, page.locator(".nw-prompt textarea"));
    assert.deepEqual(await page.problems(), []);
  } finally {
    await page.context().close();
  }
}

/** The lines that the last command printed. */
async function printed(page) {
  return page.evaluate(() => {
    const lines = [...document.querySelectorAll(".nw-lines li")];
    const last = lines.findLastIndex((l) => l.classList.contains("nw-in"));
    return lines.slice(last + 1).map((l) => l.innerText).join("\n");
  });
}

/** Runs one line and gives what it printed. */
async function run(page, line, until = ".nw-prompt[data-busy=\"false\"]") {
  await page.lab.type(line);
  await page.waitForFunction((l) => [...document.querySelectorAll(".nw-in")].at(-1)?.innerText.endsWith(l), line.split("\n").at(-1));
  await page.waitForSelector(until);
  return printed(page);
}

const scaled = async (page) => {
  await page.lab.speed(60);
  await run(page, "kubectl scale deployment inflate --replicas 2");
  await page.waitForFunction(() => document.querySelectorAll(".nw-node").length === 3, null, { timeout: 30_000 });
};

test("lines and what they print", () => withPage({}, async (page) => {
  for (const [line, want] of [
    ["kubectl get nosuch | wc -l", /^error: the server doesn't have a resource type "nosuch"\n0$/],
    ["kubectl get pods --replica 5; echo $?", /^error: unknown flag: --replica\n(.*\n)*1$/],
    ["kubctl get po", /command not found[^]*kubectl/],
    ["export N=0; kubectl scale deployment inflate --replicas $N && kubectl get deploy inflate | tail -n 1", /^deployment\.apps\/inflate scaled\ninflate +0\/0 +0 +0/],
    ["alias pods='kubectl get pods -A | grep coredns'; alias | grep -c pods", /^1$/],
    ["pods", /^kube-system +coredns-/],
    ["k get deploy inflate -o name", /^deployment\.apps\/inflate$/],
    ["printf 'a\\nx\\nb\\nc\\nd\\ne\\nf\\nx\\n' | grep x -A 1", /^x\nb\n--\nx$/],
    ["echo a | grep -c x; echo $?", /^0\n1$/],
    ["kubectl logs -n karpenter -l app.kubernetes.io/name=karpenter -c controller | wc -l", /^(\d|1\d|20)$/],
    ["kubectl delete deployment inflate; date", /^deployment\.apps "inflate" deleted\n.*KST 2023$/],
    ["kubectl exec -it x -- sh; echo $?", /\n1$/],
  ]) {
    assert.match(await run(page, line), want, line);
  }
  const said = await page.locator(".nw-err").allInnerTexts();
  assert.ok(said.some((l) => l.includes('resource type "nosuch"')), "errors are marked as such");
}));

test("an unfinished heredoc is thrown away by Ctrl+C; files are made, applied and removed", () => withPage({}, async (page, lab, field) => {
  await lab.type("cat <<EOF | kubectl apply -f -");
  await page.waitForFunction(() => document.querySelector(".nw-prompt .nw-ps").textContent === "> ");
  await field.press("Control+c");
  await page.waitForFunction(() => document.querySelector(".nw-prompt .nw-ps").textContent === "$ ");
  await lab.paste(inflate.replace("| kubectl apply -f -", "> a.yaml").replace("replicas: 0", "replicas: 1"));
  assert.match(await run(page, "ls; kubectl apply -f a.yaml; rm a.yaml; ls"), /^a\.yaml\ndeployment\.apps\/inflate (configured|created)$/);
}));

test("pods are pending on the page within 100 ms of Enter", () => withPage({}, async (page) => {
  await run(page, "echo");
  const took = [];
  // What else the machine does can only make it longer, so one run within the time is proof.
  for (let pods = 1; pods <= 5 && !took.some((ms) => ms <= 100); pods++) {
    took.push(await page.evaluate((wanted) => new Promise((done) => {
      const field = document.querySelector(".nw-prompt textarea");
      field.value = `kubectl scale deployment inflate --replicas ${wanted}`;
      const began = performance.now();
      const seen = () => document.querySelectorAll(".nw-pod[data-state=pending], .nw-pending-pod").length >= 1 && document.querySelector('[data-deployment="inflate"] input').value === String(wanted);
      const watch = () => (seen() ? done(performance.now() - began) : setTimeout(watch));
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
      watch();
    }), pods * 5));
  }
  assert.ok(took.at(-1) <= 100, `milliseconds: ${took.map(Math.round)}`);
}));

test("a followed log streams, Ctrl+C ends it with status 130, and copies where something is selected", () => withPage({}, async (page, lab, field) => {
  await lab.speed(10);
  await run(page, "kubectl scale deployment inflate --replicas 5");
  await lab.type(logs("grep provisioner"));
  await lab.waitOutput(/launched machine/);
  const panel = await page.locator(".nw-log li").count();
  await page.evaluate(() => {
    const line = [...document.querySelectorAll(".nw-lines li")].find((l) => l.innerText.includes("launched machine"));
    getSelection().selectAllChildren(line);
  });
  await field.press("Control+c");
  await page.waitForTimeout(200);
  assert.equal(await page.locator(".nw-prompt").getAttribute("data-busy"), "true", "a selection is copied, nothing ends");
  await page.evaluate(() => getSelection().removeAllRanges());
  await field.press("Control+c");
  await page.waitForSelector('.nw-prompt[data-busy="false"]');
  assert.match(await run(page, "echo $?"), /^130$/);
  assert.ok(await page.locator(".nw-log li").count() >= panel, "the log pane goes on");
}));

test("simulated time: sleep, watch, -w", () => withPage({}, async (page, lab, field) => {
  await lab.speed(10);
  await run(page, "echo");
  const began = Date.now();
  await run(page, "sleep 30");
  const took = Date.now() - began;
  assert.ok(took > 2_400 && took < 4_500, `sleep 30 at 10x took ${took} ms`);
  await lab.type("sleep 600");
  await field.press("Control+c");
  await page.waitForSelector('.nw-prompt[data-busy="false"]');
  const before = await page.locator(".nw-lines li").count();
  await lab.type("watch -n 2 kubectl get pods");
  await page.waitForSelector(".nw-screen");
  assert.match(await page.locator(".nw-screen").innerText(), /Every 2\.0s: kubectl get pods/);
  await page.waitForTimeout(1_500);
  await field.press("q");
  await page.waitForSelector(".nw-screen", { state: "detached" });
  if (await page.locator('.nw-prompt[data-busy="true"]').count()) await field.press("Control+c");
  assert.ok(await page.locator(".nw-lines li").count() <= before + 3, "a repainted screen leaves no lines behind");
  await lab.type("kubectl get pods -w");
  await page.waitForTimeout(800);
  const quiet = (await printed(page)).split("\n").length;
  await page.locator('[data-deployment="inflate"] input').fill("1");
  await page.locator('[data-deployment="inflate"] input').press("Enter");
  await lab.waitOutput(/inflate-\S+ +0\/1 +Pending/);
  assert.ok((await printed(page)).split("\n").length > quiet);
}));

test("Tab completes verbs, kinds, flags and names; a second Tab lists; Shift+Tab leaves", () => withPage({}, async (page, lab, field) => {
  await run(page, "echo");
  for (const [typed, want] of [["kubectl get no", /^kubectl get nodes? $/], ["kubectl scale deployment inf", /^kubectl scale deployment inflate $/], ["kubectl get pods --all-n", /^kubectl get pods --all-namespaces ?$/]]) {
    await field.fill(typed);
    await field.press("Tab");
    assert.match(await field.inputValue(), want, typed);
  }
  await field.fill("kubectl get po");
  await field.press("Tab");
  await field.press("Tab");
  await lab.waitOutput(/poddisruptionbudgets[^]*pods|pods[^]*poddisruptionbudgets/);
  await field.press("Shift+Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "TEXTAREA");
}));

test("history: half-typed line, Ctrl+R, over a reload, and without storage", () => withPage({ motion: false }, async (page, lab, field) => {
  await run(page, "kubectl get nodes");
  await run(page, "echo 안녕");
  await run(page, "kubectl get deploy");
  await field.fill("half");
  await field.press("ArrowUp");
  await field.press("ArrowUp");
  assert.equal(await field.inputValue(), "echo 안녕");
  await field.press("ArrowDown");
  await field.press("ArrowDown");
  assert.equal(await field.inputValue(), "half");
  const search = page.locator(".nw-search input");
  await field.press("Control+r");
  await search.fill("kubectl");
  assert.equal(await page.locator(".nw-search output").innerText(), "kubectl get deploy");
  await search.press("Control+r");
  assert.equal(await page.locator(".nw-search output").innerText(), "kubectl get nodes");
  await search.press("Escape");
  assert.equal(await field.inputValue(), "kubectl get nodes");
  await field.press("Control+r");
  await search.fill("안녕");
  await search.press("Enter");
  await lab.waitOutput(/echo 안녕\n안녕\n[^]*echo 안녕\n안녕/);
  await field.press("Control+l");
  assert.equal(await page.locator(".nw-lines li").count(), 0);
  await page.reload();
  await lab.ready();
  assert.match(await run(page, "history"), /1 +kubectl get nodes\n +2 +echo 안녕\n +3 +kubectl get deploy\n/);
  // Nothing may be kept: everything works, for as long as the page lives.
  await page.addInitScript(() => Object.defineProperty(window, "localStorage", { get() { throw new DOMException("no", "SecurityError"); } }));
  await page.reload();
  await lab.ready();
  assert.match(await run(page, "history"), /^ +1 +history$/);
}));

test("three terminals: one follows, one watches, one works; each keeps its text", () => withPage({ lang: "ko" }, async (page, lab, field) => {
  const tab = (n) => page.locator(`[data-term="${n}"]`);
  assert.deepEqual((await page.locator(".nw-term-tabs button").allInnerTexts()).map((t) => t.trim()), ["터미널 1", "터미널 2", "터미널 3"]);
  await lab.speed(10);
  await lab.type(logs("grep provisioner"));
  await page.waitForSelector('[data-term="1"][data-busy="true"]');
  await tab(2).click();
  await lab.type("kubectl get pods -w");
  await page.waitForSelector('[data-term="2"][data-busy="true"]');
  await field.fill("half");
  await tab(3).click();
  assert.equal(await field.inputValue(), "");
  assert.match(await run(page, "kubectl scale deployment inflate --replicas 5"), /scaled/);
  await tab(2).click();
  assert.equal(await field.inputValue(), "half");
  await lab.waitOutput(/inflate-\S+ +1\/1 +Running/);
  await tab(1).click();
  await lab.waitOutput(/launched machine/);
  for (const n of [1, 2]) {
    await tab(n).click();
    await field.fill("");
    await field.press("Control+c");
    await page.waitForSelector(`[data-term="${n}"][data-busy="false"]`);
  }
}, "/?lang=ko"));

test("50,000 lines: the newest stay, the rest is told, and typing stays quick", () => withPage({}, async (page, lab, field) => {
  await run(page, "echo");
  await lab.type("seq 50000");
  await lab.waitOutput(/\n50000$/, 30_000);
  assert.ok(await page.locator(".nw-lines li").count() <= 2_000);
  assert.match(await page.locator(".nw-output .nw-muted").innerText(), /48,?\d+/);
  await field.click();
  const latency = [];
  for (const key of "kubectl") {
    const began = await page.evaluate(() => new Promise((done) => {
      window.measured = new Promise((seen) => document.querySelector(".nw-prompt textarea")
        .addEventListener("input", (e) => requestAnimationFrame(() => setTimeout(() => seen(performance.now() - e.timeStamp))), { once: true }));
      done();
    }));
    void began;
    await field.press(key);
    latency.push(await page.evaluate(() => window.measured));
  }
  assert.ok(Math.max(...latency) < 100, `milliseconds from key to picture: ${latency.map(Math.round)}`);
  // Still quick while the output is under way.
  await field.fill("");
  await lab.type("for i in $(seq 1 20000); do echo line $i; done");
  await lab.waitOutput(/line 20000$/, 60_000);
}));

test("what programs print is text, whatever it holds", () => withPage({}, async (page, lab) => {
  const out = await run(page, `printf '<img src=x onerror=alert(1)> \\033[31mred\\033[0m 한글 ${"x".repeat(400)}\\n'`);
  assert.match(out, /^<img src=x onerror=alert\(1\)> red 한글 x{400}$/);
  assert.equal(await page.locator(".nw-output img").count(), 0);
  assert.equal(await page.locator(".nw-output .sgr-31").innerText(), "red");
}));

test("scrolled up, the output stays where it is until somebody wants the end", () => withPage({}, async (page, lab) => {
  await run(page, "seq 200");
  const list = page.locator(".nw-output .nw-scroll-in");
  await list.evaluate((e) => { e.scrollTop = 0; });
  await page.locator(".nw-to-end").waitFor();
  await lab.speed(10);
  await lab.type("sleep 5; echo late");
  await lab.waitOutput(/\nlate$/);
  assert.ok(await list.evaluate((e) => e.scrollTop < 50));
  await page.locator(".nw-to-end").click();
  await page.waitForFunction(() => {
    const e = document.querySelector(".nw-output .nw-scroll-in");
    return e.scrollHeight - e.scrollTop - e.clientHeight < 30;
  });
}));

async function clipboard(page, field, text) {
  await field.click();
  await page.evaluate((t) => navigator.clipboard.writeText(t), text);
  await field.press("Control+v");
}

test("pasted: few lines run, many are shown first and run at once or one by one", () => withPage({ lang: "ko" }, async (page, lab, field) => {
  await run(page, "echo");
  await clipboard(page, field, "$ echo one\r\n# echo two\r\n");
  await lab.waitOutput(/\$ echo one\none\n\$ echo two\ntwo$/);
  await clipboard(page, field, [1, 2, 3, 4, 5, 6, 7].map((n) => `echo line ${n}`).join("\n"));
  assert.equal(await page.locator('[data-action="run-paste"]').innerText(), "7줄 실행");
  await page.locator('[data-action="step-paste"]').click();
  assert.equal(await field.inputValue(), "echo line 1");
  await field.press("Enter");
  await lab.waitOutput(/line 1$/);
  assert.equal(await field.inputValue(), "echo line 2");
  assert.match(await page.locator(".nw-steps-left").innerText(), /5줄 남음/);
  await page.locator('[data-action="stop-steps"]').click();
  assert.equal(await field.inputValue(), "");
  await clipboard(page, field, Array.from({ length: 200 }, (_, n) => `echo row ${n + 1}`).join("\n"));
  assert.equal(await page.locator('[data-action="run-paste"]').innerText(), "200줄 실행");
  await page.locator('[data-action="run-paste"]').click();
  await lab.waitOutput(/\nrow 199\n\$ echo row 200\nrow 200$/);
}, "/?lang=ko"));

test("pasted: characters that look like others are named and mended", () => withPage({}, async (page, lab, field) => {
  await run(page, "echo");
  await clipboard(page, field, "kubectl\u00a0get nodes");
  const card = page.locator(".nw-paste");
  await card.waitFor();
  assert.match(await card.innerText(), /U\+00A0/);
  await page.locator('[data-action="mend-paste"]').click();
  await page.waitForSelector(".nw-paste .nw-warning", { state: "detached" });
  await page.locator('[data-action="run-paste"]').click();
  assert.equal(await field.inputValue(), "kubectl get nodes");
  await field.press("Enter");
  await lab.waitOutput(/NAME +STATUS/);
}));

test("the playground's own commands: lesson, clock, address, why", () => withPage({ lang: "en" }, async (page) => {
  assert.match(await run(page, "nodewright check; echo $?"), /^✗ .+\n[^]*\n1$/);
  assert.match(await run(page, "nodewright goal"), /^1\/\d+ .+\n[^]*kubectl get nodes/);
  const hint = await run(page, "nodewright hint");
  assert.match(hint, /^1\/\d+ ./);
  // The panel opens the same hint.
  assert.equal(await page.locator(".nw-hints li").count(), 1);
  for (const line of ["kubectl get nodes", "kubectl get provisioners", "eks-node-viewer -h", "nodewright check"]) await run(page, line);
  assert.equal(await run(page, "nodewright speed 60; nodewright speed"), "60");
  assert.equal(await page.locator(".nw-speed select").inputValue(), "60");
  const address = await run(page, "nodewright share");
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/\?era=v1alpha5&seed=\d+&lang=en&lesson=/);
  await run(page, "kubectl create deployment web --image=pause --replicas=0; kubectl set resources deploy web --requests=cpu=1; kubectl scale deploy web --replicas=2");
  // Three simulated hours are passed at once, which no clock of the page would do; then Ctrl+C leaves such a wait.
  const before = Number(await run(page, "date +%s"));
  const after = Number(await run(page, "nodewright skip 3h; date +%s"));
  assert.ok(after - before >= 10_800 && after - before < 11_400, `${before} ${after}`);
  assert.match(await run(page, "nodewright explain $(kubectl get nodes -l karpenter.sh/provisioner-name -o name)"), /A new node by the rule default for 2 pods[^]*EC2 chose /);
  await page.lab.type("nodewright skip 2000h");
  await page.waitForSelector(".nw-prompt[data-busy=\"true\"]");
  await page.keyboard.press("Control+c");
  await page.waitForSelector(".nw-prompt[data-busy=\"false\"]");
}, "/?lesson=karpenter-basics-v1alpha5"));

/** A small cluster as `nodewright export` writes it down. */
const exported = JSON.stringify({
  v: 1, scenario: "observed", era: "v1", seed: "3", region: "eu-west-1", at: "2026-09-01T08:00:00Z",
  objects: [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "default", creationTimestamp: "2026-08-01T08:00:00Z" } },
    { apiVersion: "v1", kind: "Node", metadata: { name: "prod-1", creationTimestamp: "2026-08-01T08:00:00Z", labels: {
      "kubernetes.io/hostname": "prod-1", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "m5.large",
      "topology.kubernetes.io/region": "eu-west-1", "topology.kubernetes.io/zone": "eu-west-1a" } },
    spec: { taints: [{ key: "base", effect: "NoSchedule" }] },
    status: { capacity: { cpu: "2", memory: "8Gi", pods: "29" }, allocatable: { cpu: "1930m", memory: "7Gi", pods: "29" },
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-08-01T08:00:30Z" }] } },
    { apiVersion: "karpenter.k8s.aws/v1", kind: "EC2NodeClass", metadata: { name: "default", creationTimestamp: "2026-08-01T08:00:00Z" }, spec: {
      amiSelectorTerms: [{ alias: "al2023@latest" }], role: "r", subnetSelectorTerms: [{ tags: { a: "b" } }], securityGroupSelectorTerms: [{ tags: { a: "b" } }] } },
    { apiVersion: "karpenter.sh/v1", kind: "NodePool", metadata: { name: "prod", creationTimestamp: "2026-08-01T08:00:00Z" }, spec: { template: { spec: {
      nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "default" },
      requirements: [{ key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand"] }] } } } },
  ],
});

test("a cluster that was written down is opened and goes on", () => withPage({}, async (page) => {
  await run(page, `echo '${exported}' > prod.json`);
  assert.match(await run(page, "nodewright open prod.json"), /era v1, region eu-west-1, seed 3, 0 s since the start$/);
  assert.equal(await run(page, "kubectl get no,nodepools -o name"), "node/prod-1\nnodepool.karpenter.sh/prod");
  // The panels show it.
  await page.waitForFunction(() => document.querySelector(".nw-map-in")?.innerText.includes("prod-1"));
  assert.match(await page.locator(".nw-bar select").first().inputValue(), /^v1$/);
  // One time for all: 8:00 UTC in Seoul.
  assert.match(await page.locator(".nw-clock b").innerText(), /^17:0/);
  assert.match(await page.locator(".nw-timeline").innerText(), /^17:00:00/);
  await page.lab.speed(60);
  await run(page, "kubectl create deployment web --image=pause --replicas=2 && kubectl set resources deployment web --requests=cpu=1");
  assert.match(await run(page, "kubectl rollout status deployment web"), /successfully rolled out$/);
  assert.match(await run(page, "nodewright explain $(kubectl get nodes -l karpenter.sh/nodepool -o name)"), /prod for 2 pods[^]*EC2 chose /);
}, "/?region=eu-west-1&era=v1"));

/** The bytes of a value, each number and length in four bytes. */
function msgpack(value) {
  const sized = (token, n) => Buffer.from([token, n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255]);
  if (typeof value === "number") return sized(0xce, value);
  if (typeof value === "string") return Buffer.concat([sized(0xdb, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Array.isArray(value)) return Buffer.concat([sized(0xdd, value.length), ...value.map(msgpack)]);
  const pairs = Object.entries(value).flat().map(msgpack);
  return Buffer.concat([sized(0xdf, pairs.length / 2), ...pairs]);
}

test("files of this machine are chosen or dropped, and read by the line that stands there then", () => withPage({}, async (page) => {
  const prompt = page.locator(".nw-prompt textarea");
  const proposed = (line) => page.waitForFunction((l) => document.querySelector(".nw-prompt textarea").value === l, line);
  await page.locator(".nw-picker input").setInputFiles({ name: "prod cluster.json", mimeType: "application/json", buffer: Buffer.from(exported) });
  await proposed("nodewright open prod_cluster.json");
  await prompt.press("Enter");
  await page.waitForFunction(() => document.querySelector(".nw-map-in")?.innerText.includes("prod-1"));
  const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: dropped\n';
  const files = await page.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "config.yaml"));
    return data;
  }, config);
  await page.dispatchEvent(".nw-term", "drop", { dataTransfer: files });
  await proposed("kubectl apply -f config.yaml");
  await prompt.press("Enter");
  await page.lab.waitOutput(/configmap\/dropped created/);
  const types = [{ name: "tiny", architecture: "amd64", operatingSystems: ["linux"], resources: { cpu: "2", memory: "4Gi", pods: "20" }, offerings: [{
    Price: 0.01, Available: true, Requirements: [{ key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand"] },
      { key: "topology.kubernetes.io/zone", operator: "In", values: ["zone-a"] }] }] }];
  await page.locator(".nw-picker input").setInputFiles({ name: "types.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(types)) });
  await proposed("nodewright open types.json");
  await prompt.press("Enter");
  await page.lab.waitOutput(/era v1, region ap-northeast-2, seed 196, 0 s since/);
  // A trace of SimKube becomes a script.
  const web = (replicas) => ({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "shop" }, spec: { replicas,
    selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "pause" }] } } } });
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "shop" } };
  const trace = { version: 2, events: [{ ts: 1000, applied_objs: [web(1), secret], deleted_objs: [] }, { ts: 1060, applied_objs: [web(2)], deleted_objs: [] }] };
  await page.locator(".nw-picker input").setInputFiles({ name: "prod.sktrace", mimeType: "application/octet-stream", buffer: msgpack(trace) });
  await proposed("bash prod.sh");
  assert.match(await page.locator(".nw-toast").innerText(), /left out: 1 of kind Secret/);
  await page.lab.speed(60);
  await prompt.press("Enter");
  await page.waitForFunction(() => document.querySelector(".nw-term").innerText.match(/deployment.apps\/web serverside-applied/g)?.length === 2);
  await page.locator(".nw-picker input").setInputFiles({ name: "photo.jpg", mimeType: "image/jpeg", buffer: Buffer.from([0xff, 0xd8, 0xff]) });
  await page.waitForFunction(() => document.querySelector(".nw-toast")?.innerText.includes("photo.jpg: no text in UTF-8; no SimKube trace"));
  // One that has no room changes nothing.
  await page.locator(".nw-picker input").setInputFiles({ name: "large.txt", mimeType: "text/plain", buffer: Buffer.alloc(9 << 20, 97) });
  await page.waitForFunction(() => document.querySelector(".nw-toast")?.innerText.includes("large.txt: "));
  assert.equal(await prompt.inputValue(), "");
}, "/?region=eu-west-1&era=v1"));

test("labels of nodes in columns", () => withPage({}, async (page) => {
  await scaled(page);
  const out = await run(page, "kubectl get node --label-columns=eks.amazonaws.com/capacityType,karpenter.sh/capacity-type,node.kubernetes.io/instance-type");
  const [head, ...rows] = out.split("\n");
  assert.match(head, /CAPACITYTYPE +CAPACITY-TYPE +INSTANCE-TYPE$/);
  assert.ok(rows.some((r) => /ON_DEMAND +m5\.large$/.test(r)) && rows.some((r) => /spot +\S+$/.test(r) && !r.includes("ON_DEMAND")));
}));

test("jq and kubectl explain wait for what they need, once", async () => {
  const page = await open(site.chromium, site.url + "/");
  try {
    await page.lab.ready();
    const asked = [];
    page.on("request", (r) => asked.push(new URL(r.url()).pathname));
    const times = (part) => asked.filter((path) => path.includes(part)).length;
    await run(page, "kubectl get nodes -o name");
    assert.equal(times("jq") + times("descriptions"), 0, "nothing is fetched that no line needs");
    assert.equal(
      await run(page, "kubectl get nodes -o json | jq -r '.items[].metadata.labels[\"node.kubernetes.io/instance-type\"]' | sort -u"),
      "m5.large");
    assert.ok(times("jq") > 0, `the line brought the module: ${asked}`);
    const before = times("jq");
    assert.equal(await run(page, "echo '{\"a\":[1,2]}' | jq -c '.a|map(.+1)'"), "[2,3]");
    assert.equal(times("jq"), before);
    assert.match(await run(page, "kubectl explain deployment.spec.replicas"),
      /DESCRIPTION:\n {4}Number of desired pods\. This is a pointer to distinguish between explicit\n {4}zero and not specified\. Defaults to 1\./);
    assert.match(await run(page, "kubectl explain provisioner | grep -c 'no description'; echo $?"), /^0\n1$/);
    assert.equal(times("descriptions"), 1);
    assert.deepEqual(await page.problems(), []);
  } finally {
    await page.context().close();
  }
});

test("what a line needs and does not get is told, and asked for again by the next line", async () => {
  const page = await open(site.chromium, site.url + "/");
  try {
    await page.lab.ready();
    await page.route("**/descriptions.txt", (route) => route.abort());
    assert.match(await run(page, "kubectl explain pod"), /^What this command needs did not arrive/);
    assert.equal(await run(page, "echo $?"), "1");
    await page.unroute("**/descriptions.txt");
    assert.match(await run(page, "kubectl explain pod"), /Pod is a collection of containers/);
  } finally {
    await page.context().close();
  }
});
