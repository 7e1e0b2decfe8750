// Removes the guards that guards/ lists one by one in a copy of the checkout; the named test must then go red.
// Usage: node mutants/guards.js [words of a guard or test]...
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// What nextest exits with.
const TESTS_FAILED = 100;
const OUTCOMES = new Map([
  [0, 'SURVIVED: the test stays green'],
  [4, 'no test of that name'],
  [TESTS_FAILED, 'tests failed'],
  [101, 'does not compile'],
]);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lists = join(root, 'mutants', 'guards');
const all = readdirSync(lists).sort().flatMap((list) => JSON.parse(readFileSync(join(lists, list), 'utf8')));
const wanted = process.argv.slice(2);
const guards = wanted.length === 0
  ? all
  : all.filter((guard) => wanted.some((word) => `${guard.guard} ${guard.test}`.includes(word)));

function copyOfCheckout() {
  const copy = mkdtempSync(join(tmpdir(), 'vestibule-mutants-'));
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of list.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  return copy;
}

/** Runs tests of one package in the copy: the exit status, and the last words when it is not the wanted one. */
function runTests(cargoPackage, filter, copy, wantedStatus) {
  const { status, stderr } = spawnSync(
    'cargo',
    ['nextest', 'run', '--locked', '--package', cargoPackage, '--no-fail-fast', '--retries', '0', '-E', filter],
    {
      cwd: copy,
      env: { CARGO_TARGET_DIR: join(root, 'target', 'mutants'), ...process.env },
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  if (status === wantedStatus) return undefined;
  const said = stderr.toString().trimEnd().split('\n').slice(-12).join('\n');
  return `${OUTCOMES.get(status) ?? `nextest ended with ${status}`}\n${said}`;
}

/** A test that is red with its guard proves nothing without it. */
function checkThatTestsAreGreen(copy) {
  for (const cargoPackage of new Set(guards.map((guard) => guard.package))) {
    const own = guards.filter((guard) => guard.package === cargoPackage);
    const problem = runTests(cargoPackage, own.map((guard) => `test(${guard.test})`).join(' | '), copy, 0);
    if (problem) throw new Error(`${cargoPackage}: not green with its guards: ${problem}`);
  }
}

/** What is wrong, or nothing when the test goes red as it should. */
function tryWithout(guard, copy) {
  const path = join(copy, guard.file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(guard.find).length - 1;
  if (places !== 1) return `the text of the guard occurs ${places} times in ${guard.file}`;
  writeFileSync(path, source.replace(guard.find, () => guard.replace));
  const problem = runTests(guard.package, `test(${guard.test})`, copy, TESTS_FAILED);
  writeFileSync(path, source);
  return problem;
}

const copy = copyOfCheckout();
let bad = 0;
try {
  checkThatTestsAreGreen(copy);
  for (const guard of guards) {
    const problem = tryWithout(guard, copy);
    if (problem) bad += 1;
    console.log(`${problem ? 'FAIL' : 'ok  '} ${guard.statement ?? '-'}: ${guard.guard}: ${problem ?? `${guard.test} goes red`}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${guards.length - bad} passed, ${bad} failed`);
process.exitCode = bad === 0 ? 0 : 1;
