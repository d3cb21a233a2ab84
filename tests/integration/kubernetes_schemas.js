// SPDX-License-Identifier: MIT
// Validates Kubernetes objects by the schemas of the npm packages kubernetes-models,
// @kubernetes-models/gateway-api and @kubernetes-models/cert-manager, and by their types, which show
// unknown fields: node kubernetes_schemas.js NODE_MODULES <[[where, object], ...]
"use strict";

const fs = require("fs");
const path = require("path");
const modules = path.resolve(process.argv[2]);
const ts = require(path.join(modules, "typescript"));
const faults = [];

// The module of its model, below NODE_MODULES.
function modelOf(object) {
  const [version, group = ""] = object.apiVersion.split("/").reverse();
  const found = ["kubernetes-models", "@kubernetes-models/gateway-api", "@kubernetes-models/cert-manager"]
    .flatMap((name) => [group, group.replace(/\.k8s\.io$/, "")].map((folder) => path.join(name, folder, version, object.kind)))
    .find((name) => fs.existsSync(path.join(modules, `${name}.js`)));
  if (!found) throw new Error(`there is no ${object.kind} in ${object.apiVersion}`);
  return found;
}

function validate(where, object) {
  try {
    new (require(path.join(modules, modelOf(object)))[object.kind])(object).validate();
  } catch (error) {
    faults.push(`${where}: ${object.kind} ${object.metadata.name}: ${error.message}`);
  }
}

// A TypeScript program in which each object is a literal of its type: such a literal may have no other field.
function findUnknownFields(objects) {
  const file = path.join(path.dirname(modules), "objects.ts");
  const text = objects.map(([where, object], i) => `import { I${object.kind} as T${i} } from "${modelOf(object)}";
/* ${where} */ export const object${i}: T${i} = ${JSON.stringify(object)};\n`).join("");
  const options = { strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.CommonJS };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.readFile = (name) => (name === file ? text : readFile.call(host, name));
  for (const one of ts.getPreEmitDiagnostics(ts.createProgram([file], options, host)))
    faults.push(ts.flattenDiagnosticMessageText(one.messageText, "\n"));
}

const objects = JSON.parse(fs.readFileSync(0));
for (const [where, object] of objects) validate(where, object);
findUnknownFields(objects);
console.error(faults.join("\n"));
console.log(objects.length);
process.exit(faults.length ? 1 : 0);
