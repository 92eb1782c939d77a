// Makes src/generated from contracts/*/abi.json: each ABI as a value whose type is the ABI itself, which is what
// near-api-js infers methods from, and the records that it mentions under their own names.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';

const contracts = ['registry', 'keys', 'governance', 'escrow', 'tasks', 'verifier'];
const out = new URL('../src/generated/', import.meta.url);
const note = '// Made by scripts/generate.mjs from the ABI. Changes here are lost.\n';

mkdirSync(out, { recursive: true });
for (const contract of contracts) {
  const abi = JSON.parse(readFileSync(new URL(`../../../../contracts/${contract}/abi.json`, import.meta.url)));
  // As JSON, an ABI is also a TypeScript type: of exactly that value, with arrays that near-api-js accepts.
  const json = JSON.stringify(abi);
  writeFileSync(
    new URL(`${contract}.abi.ts`, out),
    `${note}export type Abi = ${json};\nexport const abi = ${json} as unknown as Abi;\n`,
  );
  const { definitions } = abi.body.root_schema;
  // A schema of all records at once, so that each is written once and under its name.
  const schema = { definitions, type: 'object', additionalProperties: false };
  const records = await compile(schema, 'Records', {
    additionalProperties: false,
    bannerComment: note.trim(),
    unreachableDefinitions: true,
    style: { singleQuote: true },
  });
  const without = records
    .replace(/export interface Records \{\}\n?/, '')
    .replace(/\/\*\*[^/]*?via the `definition`[^/]*?\*\/\n/g, '');
  writeFileSync(new URL(`${contract}.ts`, out), without);
}
