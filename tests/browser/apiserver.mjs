// An API server of recorded objects: lists them, and lets watches stand until something changes. It takes no writes, and notes
// what was asked of it.
import { createServer } from "node:http";

/** Plural of a kind, as paths name it. */
const plurals = { EC2NodeClass: "ec2nodeclasses", PriorityClass: "priorityclasses", StorageClass: "storageclasses" };
const pathOf = (o) => {
  const plural = plurals[o.kind] ?? `${o.kind.toLowerCase()}s`;
  return o.apiVersion === "v1" ? `/api/v1/${plural}` : `/apis/${o.apiVersion}/${plural}`;
};
const keyOf = (o) => `${o.metadata.namespace ?? ""}/${o.metadata.name}`;

export class ApiServer {
  #kinds = new Map();
  #watches = new Map();
  #version = 1;
  asked = [];
  /** Paths that may not be listed. */
  forbidden = new Set();

  constructor(objects) {
    for (const o of objects) this.#kind(pathOf(o)).set(keyOf(o), o);
    for (const known of ["/api/v1/nodes", "/api/v1/pods", "/api/v1/events"]) this.#kind(known);
  }

  #kind(path) {
    if (!this.#kinds.has(path)) this.#kinds.set(path, new Map());
    return this.#kinds.get(path);
  }

  async start() {
    this.server = createServer((request, response) => this.#answer(request, response));
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  all(kind) {
    return [...this.#kinds.values()].flatMap((k) => [...k.values()]).filter((o) => o.kind === kind);
  }

  /** Writes an object, or takes it away, and tells those who watch. */
  put(object) {
    const type = this.#kind(pathOf(object)).has(keyOf(object)) ? "MODIFIED" : "ADDED";
    this.#kind(pathOf(object)).set(keyOf(object), object);
    this.#tell(type, object);
  }

  remove(object) {
    this.#kind(pathOf(object)).delete(keyOf(object));
    this.#tell("DELETED", object);
  }

  #tell(type, object) {
    const told = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    for (const watch of this.#watches.get(pathOf(object)) ?? []) watch.write(`${JSON.stringify({ type, object: told })}\n`);
  }

  #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    this.asked.push(`${request.method} ${pathname}`);
    response.setHeader("content-type", "application/json");
    const kind = this.#kinds.get(pathname);
    const refuse = (code, reason, message) => {
      response.statusCode = code;
      response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code }));
    };
    if (this.forbidden.has(pathname)) return refuse(403, "Forbidden", "not for you");
    if (!kind || request.method !== "GET") return refuse(404, "NotFound", "404 page not found");
    if (searchParams.get("watch") === "true") {
      const all = this.#watches.get(pathname) ?? new Set();
      this.#watches.set(pathname, all.add(response));
      request.on("close", () => all.delete(response));
      return response.flushHeaders();
    }
    response.end(JSON.stringify({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(this.#version) }, items: [...kind.values()] }));
  }
}
