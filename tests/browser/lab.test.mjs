// The lab, typed into the terminal as a person would, in both languages; every pane must agree at every milestone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { open, start } from "./harness.mjs";
import { consolidation, inflate, logs, milestones } from "./lab.mjs";

const site = start();

/** All panes say the same: header line, map, rows, and the list price of the top bar. */
function agree(n, m) {
  assert.equal(n.nodes, m.nodes, "nodes of the header");
  assert.equal(n.mapNodes, m.nodes, "boxes of the map");
  assert.equal(n.rows, m.nodes, "rows of the node viewer");
  assert.equal(n.percent, `${m.percent}%`);
  assert.equal(n.grade, m.grade);
  assert.equal(n.mapPods, n.pods[3], "squares in boxes are the bound pods");
  assert.equal(n.mapPending, n.pods[0] - n.pods[3], "squares outside are the pods without a node");
}

for (const lang of ["ko", "en"]) {
  describe(`the lab in ${lang}`, { concurrency: false }, () => {
    let page;
    let lab;
    before(async () => {
      page = await open(site.chromium, `${site.url}/?lesson=karpenter-basics-v1alpha5&lang=${lang}`, { lang });
      lab = page.lab;
      await lab.ready();
      await lab.speed(10);
    });
    after(async () => page?.context().close());

    test("starts with two nodes and one Provisioner", async () => {
      agree(await lab.milestone(milestones.start), milestones.start);
      await lab.type("kubectl get nodes");
      await lab.waitOutput(/NAME +STATUS +ROLES +AGE +VERSION\n(.* Ready .*\n?){2}/);
      await lab.type("kubectl get provisioners");
      await lab.waitOutput(/NAME +AGE\ndefault +\d+/);
      assert.equal(await page.locator("html").getAttribute("lang"), lang);
    });

    test("a Deployment without replicas changes nothing", async () => {
      await lab.paste(inflate);
      await lab.waitOutput(/deployment\.apps\/inflate created/);
      await lab.type("kubectl get deploy");
      await lab.waitOutput(/inflate +0\/0 +0 +0/);
      agree(await lab.milestone(milestones.start), milestones.start);
    });

    test("five pods: pending at once, a spot node, then running", async () => {
      await lab.type("kubectl scale deployment inflate --replicas 5");
      await lab.waitOutput(/deployment\.apps\/inflate scaled/);
      agree(await lab.milestone(milestones.pending), milestones.pending);
      await lab.type(logs("grep provisioner"));
      agree(await lab.milestone(milestones.scaled), milestones.scaled);
      await lab.waitOutput(/found provisionable pod\(s\)[\s\S]*launched machine[\s\S]*initialized machine/);
      await page.locator(".nw-prompt textarea").press("Control+c");
      await page.waitForSelector('.nw-prompt[data-busy="false"]');
      const caps = await page.locator(".nw-cap").allTextContents();
      assert.deepEqual(caps.sort(), ["OD", "OD", "S"], "the capacity type is readable as text");
      // The cheapest deep pool of the seeded spot market; nothing here names the type to the engine.
      const [spot] = (await lab.numbers()).types.filter((type) => type !== "m5.large");
      assert.equal(spot, "r3.2xlarge");
      await lab.type("kubectl get node --label-columns=eks.amazonaws.com/capacityType,karpenter.sh/capacity-type,node.kubernetes.io/instance-type");
      await lab.waitOutput(new RegExp(`CAPACITYTYPE +CAPACITY-TYPE +INSTANCE-TYPE[\\s\\S]*spot +${spot.replace(".", "\\.")}`));
    });

    test("an empty node goes after its TTL", async () => {
      await lab.type("kubectl delete deployment inflate; date");
      await lab.waitOutput(/deployment\.apps "inflate" deleted\n.* KST \d{4}/);
      agree(await lab.milestone(milestones.emptied), milestones.emptied);
      await lab.speed(30);
      agree(await lab.milestone(milestones.start), milestones.start);
      await lab.type(logs("grep deprovisioning"));
      await lab.waitOutput(/deprovisioning via emptiness delete/);
      await page.locator(".nw-prompt textarea").press("Control+c");
      await page.locator('[data-tab="why"]').click();
      await page.waitForSelector('[data-why="disrupt"]');
    });

    test("twelve pods on four m5.xlarge with the consolidating Provisioner", async () => {
      await lab.speed(10);
      await lab.type("kubectl delete provisioners default");
      await lab.waitOutput(/provisioner\.karpenter\.sh "default" deleted/);
      await lab.paste(consolidation);
      await lab.waitOutput(/provisioner\.karpenter\.sh\/default created/);
      await lab.paste(inflate);
      await lab.type("kubectl scale deployment inflate --replicas 12");
      await lab.speed(30);
      const n = await lab.milestone(milestones.twelve, 60_000);
      agree(n, milestones.twelve);
      assert.deepEqual(n.types, ["m5.large", "m5.large", "m5.xlarge", "m5.xlarge", "m5.xlarge", "m5.xlarge"]);
      await lab.type("kubectl get node -l type=karpenter");
      await lab.waitOutput(/get node -l type=karpenter\nNAME.*\n(.* Ready .*\n?){4}/);
    });

    test("seven pods: two nodes are cordoned, a c5.large replaces them, the rate falls", async () => {
      const rateBefore = (await lab.numbers()).rate;
      await lab.speed(5);
      await lab.type("kubectl scale deployment inflate --replicas 7");
      agree(await lab.milestone(milestones.seven), milestones.seven);
      await lab.speed(10);
      await page.waitForSelector('.nw-node[data-cordoned="true"] .nw-badge[data-badge="cordoned"], .nw-node[data-deleting="true"]', { timeout: 60_000 });
      await lab.speed(30);
      const n = await lab.milestone(milestones.consolidated, 60_000);
      agree(n, milestones.consolidated);
      assert.deepEqual(n.types, ["c5.large", "m5.large", "m5.large", "m5.xlarge", "m5.xlarge"]);
      assert.ok(n.rate < rateBefore, `${n.rate} is less than ${rateBefore}`);
      await lab.type(`${logs("grep consolidation -A 3").replace("-c controller", "-c controller --tail=100")}`);
      await lab.waitOutput(/deprovisioning via consolidation/);
      await page.locator(".nw-prompt textarea").press("Control+c");
    });

    test("cleaning up leads back to the start, and nothing forbidden happened", async () => {
      await lab.type("kubectl delete deployment inflate");
      await lab.speed(60);
      agree(await lab.milestone(milestones.start, 60_000), milestones.start);
      assert.deepEqual(await page.problems(), []);
    });
  });
}
