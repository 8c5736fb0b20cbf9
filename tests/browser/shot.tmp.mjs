import { browser, open, serve } from "./harness.mjs";
const s = await serve(); const b = await browser();
const [,, name, path = "/", w = "1280", h = "800", scheme = "light", lang = "ko", script = ""] = process.argv;
const p = await open(b, s.url + path, { lang, width: +w, height: +h, colorScheme: scheme, visited: !path.includes("first") });
try { await p.lab.ready(); } catch (e) { console.log("not ready", e.message.slice(0, 200)); }
if (script) await (new Function("p", "lab", `return (async () => { ${script} })()`))(p, p.lab).catch(e => console.log(String(e).slice(0,600)));
await p.waitForTimeout(400);
await p.screenshot({ path: `/tmp/webx/${name}.png` });
console.log(JSON.stringify(await p.problems(), null, 1).slice(0, 3000));
console.log(JSON.stringify(await p.lab.numbers()), JSON.stringify(await p.evaluate(() => window.longTasks)).slice(0, 600));
await b.close(); s.close();
