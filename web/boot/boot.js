// Loads the playground's wasm with progress, and says what went wrong if it does not come.
// Everything else is in the wasm module, which replaces the drawing in #nodewright.

const NAME = "nodewright-page";
const root = document.documentElement;

/** Language of the address, else the browser's; the page itself also remembers one. */
function language() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked === "ko" || asked === "en") return asked;
  return (navigator.language || "").startsWith("ko") ? "ko" : "en";
}

const texts = {
  offline: {
    ko: "인터넷에 연결되어 있지 않은 것 같아요. 연결을 확인하고 다시 시도해 주세요.",
    en: "This device seems to be offline. Check the connection and try again.",
  },
  network: {
    ko: "놀이터 파일을 받지 못했어요. 네트워크나 차단 프로그램이 막고 있을 수 있어요.",
    en: "The playground's files did not arrive. The network or a content blocker may be in the way.",
  },
  old: {
    ko: "이 브라우저는 WebAssembly를 지원하지 않거나 꺼 두었어요. 최신 브라우저에서 열어 주세요.",
    en: "This browser has no WebAssembly, or it is turned off. Open the page in a current browser.",
  },
  blocked: {
    ko: "이 페이지의 보안 정책이 WebAssembly 실행을 막고 있어요 (script-src에 'wasm-unsafe-eval'이 필요해요).",
    en: "The page's security policy blocks WebAssembly (script-src needs 'wasm-unsafe-eval').",
  },
  broken: {
    ko: "놀이터를 시작하지 못했어요.",
    en: "The playground did not start.",
  },
};

function cause(error) {
  if (navigator.onLine === false) return "offline";
  if (typeof WebAssembly !== "object") return "old";
  if (error instanceof WebAssembly.CompileError) return /security|policy|unsafe-eval/i.test(error.message) ? "blocked" : "old";
  if (error instanceof TypeError || error.name === "HttpError") return "network";
  return "broken";
}

function showFailure(error) {
  const lang = root.lang === "ko" ? "ko" : "en";
  const box = document.querySelector(".boot-failure");
  if (!box) return;
  box.querySelector(".boot-cause").textContent = `${texts[cause(error)][lang]} (${error.message || error})`;
  box.querySelector(".boot-retry").addEventListener("click", () => location.reload(), { once: true });
  box.hidden = false;
  for (const gone of document.querySelectorAll(".boot-progress, .boot-status")) gone.hidden = true;
  document.querySelector(".boot")?.setAttribute("aria-busy", "false");
}

/** The response again, its bytes counted on the way. `total` is the size before compression, 0 if not known. */
function counted(response, total, progress) {
  if (!response.body) return response;
  let loaded = 0;
  const count = new TransformStream({
    transform(chunk, out) {
      loaded += chunk.byteLength;
      if (total > 0) progress(Math.min(loaded / total, 1));
      out.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(count), { headers: { "content-type": "application/wasm" } });
}

/** A text beside the page that the address asks for, left on the root element, where the module looks for it. */
async function leave(name, path) {
  const response = await fetch(path);
  if (response.ok) root[name] = await response.text();
}

/** The lesson of the address; one without a file leaves nothing. */
async function lesson(base) {
  const id = new URLSearchParams(location.search).get("lesson");
  if (id && /^[a-z0-9-]+$/.test(id)) await leave("nodewrightLesson", new URL(`lessons/${id}.json`, base));
}

/**
 * The prices of the region in the address, which lie beside the page; the module has those of the lab's. A region
 * without a file leaves nothing.
 */
async function prices(base) {
  const region = new URLSearchParams(location.search).get("region");
  if (!region || region === "ap-northeast-2" || !/^[a-z0-9-]+$/.test(region)) return;
  await leave("nodewrightPrices", new URL(`data/${region}.txt`, base));
}

async function start() {
  const bar = document.querySelector(".boot-progress");
  const progress = (share) => {
    if (bar) bar.value = Math.round(share * 100);
  };
  const base = new URL(".", import.meta.url);
  const [module, response] = await Promise.all([
    import(new URL(`${NAME}.js`, base).href),
    fetch(new URL(`${NAME}_bg.wasm`, base)),
    prices(base),
    lesson(base),
  ]);
  if (!response.ok) {
    throw Object.assign(new Error(`${response.status} ${response.statusText}`), { name: "HttpError" });
  }
  const encoded = response.headers.get("content-encoding");
  // The builder writes the size into the page; a plain server tells it in the header.
  const total = Number(root.dataset.wasmBytes) || (encoded ? 0 : Number(response.headers.get("content-length")));
  await module.default({ module_or_path: counted(response, total, progress) });
  root.dataset.ready = "";
}

root.lang = language();
start().catch(showFailure);
