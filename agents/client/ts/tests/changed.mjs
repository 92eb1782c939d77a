// What programs notice when a contract's declaration changes: the ABI follows the declaration (a test in Rust compares
// them), and with the type of one argument changed in it, what calls the method no longer compiles.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const client = fileURLToPath(new URL('..', import.meta.url));
// Inside the package, so that its dependencies are found.
const copy = mkdtempSync(join(client, 'dist', 'changed-'));
after(() => rmSync(copy, { recursive: true, force: true }));
for (const part of ['src', 'examples', 'tsconfig.json']) cpSync(join(client, part), join(copy, part), { recursive: true });

function compile() {
  const { status, stdout } = spawnSync(process.execPath, [join(client, 'node_modules/.bin/tsc'), '--noEmit', '-p', copy]);
  return { status, text: stdout.toString() };
}

test('the client compiles with the ABIs as they are', () => {
  assert.deepEqual(compile(), { status: 0, text: '' });
});

test('a call does not compile once one of its arguments has another type', () => {
  const file = join(copy, 'src/generated/registry.abi.ts');
  const abi = readFileSync(file, 'utf8');
  const views = '"name":"agent","kind":"view","params":{"serialization_type":"json","args":[{"name":"agent","type_schema":';
  const changed = abi.replaceAll(`${views}{"type":"integer","minimum":0}`, `${views}{"type":"string"}`);
  assert.notEqual(changed, abi, 'the ABI of registry.agent reads otherwise');
  writeFileSync(file, changed);
  const { status, text } = compile();
  assert.notEqual(status, 0);
  assert.match(text, /examples\/agent\.ts.*error TS2322: Type 'number' is not assignable to type 'string'/);
});
