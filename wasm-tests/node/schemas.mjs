// Checks resources against the schemas of Kubernetes and of CRDs: a JSON array on the standard input, and as the only argument the directory
// where npm put the packages of the schemas. Says of each what is wrong with it; the status is 1 then.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const packages = ["kubernetes-models", "@kubernetes-models/istio", "@kubernetes-models/prometheus-operator"];

// A resource that notes which of its fields are asked for. A schema that does not ask for one does not have it, and the API server
// would refuse it, or drop it.
function watched(value, path, asked) {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const inner = `${path}/${String(key)}`;
      asked.add(inner);
      return watched(target[key], inner, asked);
    },
  });
}

// The fields that were not asked for; what is below one of these, Istio's schema leaves to Envoy.
function unknown(value, path, asked) {
  if (typeof value !== "object" || value === null || /\/patch\/value$/.test(path)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = `${path}/${key}`;
    return asked.has(place) ? unknown(inner, place, asked) : [`${place} is no field of it`];
  });
}

// The module with the schema of a kind. The one that has the kind's path names it.
function module({ apiVersion, kind }) {
  const places = packages.map((name) => resolve(process.argv[2], "node_modules", name, apiVersion, `${kind}.js`));
  const place = places.find((path) => existsSync(path));
  if (!place) throw new Error(`there is no schema of ${apiVersion} ${kind}`);
  return resolve(place, "..", readFileSync(place, "utf8").match(/"([./]+_schemas\/\w+\.js)"/)[1]);
}

for (const resource of JSON.parse(readFileSync(0, "utf8"))) {
  const { validate } = await import(module(resource));
  const asked = new Set(["/metadata"]);
  const valid = validate(watched(resource, "", asked));
  const { metadata, ...rest } = resource;
  const wrong = valid ? unknown(rest, "", asked) : validate.errors.map((error) => `${error.instancePath} breaks ${error.keyword} ${JSON.stringify(error.params)}`);
  console.log(`${resource.kind} ${metadata.name}: ${wrong.join("; ") || "valid"}`);
  if (wrong.length) process.exitCode = 1;
}
