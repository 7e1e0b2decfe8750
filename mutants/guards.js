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

for (const { guard, replace } of guards) {
  if (typeof replace !== 'string') throw new Error(`${guard}: say what stands in its place, "" for nothing`);
}

const packages = new Set(guards.map((guard) => guard.package));

function copyOfCheckout() {
  const copy = mkdtempSync(join(tmpdir(), 'vestibule-mutants-'));
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of list.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  return copy;
}

/** nextest in the copy: its exit status and what it said. */
function nextest(verb, args, copy) {
  return spawnSync('cargo', ['nextest', verb, '--locked', ...args], {
    cwd: copy,
    env: { CARGO_TARGET_DIR: join(root, 'target', 'mutants'), ...process.env },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs tests of the targets that `where` names: nothing, or the last words when they end otherwise than wanted. */
function runTests(where, filter, copy, wantedStatus) {
  const { status, stderr } = nextest('run', [...where, '--no-fail-fast', '--retries', '0', '-E', filter], copy);
  if (status === wantedStatus) return undefined;
  const said = stderr.trimEnd().split('\n').slice(-12).join('\n');
  return `${OUTCOMES.get(status) ?? `nextest ended with ${status}`}\n${said}`;
}

/** A test that is red with its guard proves nothing without it. */
function checkThatTestsAreGreen(copy) {
  for (const cargoPackage of packages) {
    const own = guards.filter((guard) => guard.package === cargoPackage);
    const filter = own.map((guard) => `test(${guard.test})`).join(' | ');
    const problem = runTests(['--package', cargoPackage], filter, copy, 0);
    if (problem) throw new Error(`${cargoPackage}: not green with its guards: ${problem}`);
  }
}

/** Every test of the wanted packages with the target that holds it: building that one alone halves the work. */
function listTests(copy) {
  const args = [...packages].flatMap((cargoPackage) => ['--package', cargoPackage]);
  const { status, stdout, stderr } = nextest('list', ['--message-format', 'json', ...args], copy);
  if (status !== 0) throw new Error(`the tests cannot be listed: ${stderr}`);
  return Object.values(JSON.parse(stdout)['rust-suites']).flatMap((suite) =>
    Object.keys(suite.testcases).map((name) => ({
      cargoPackage: suite['package-name'],
      name,
      target: suite.kind === 'lib' ? ['--lib'] : [`--${suite.kind}`, suite['binary-name']],
    })),
  );
}

/** What to build for a guard's tests. */
function whereItsTestsAre(guard, tests) {
  const own = tests.filter(({ cargoPackage, name }) => cargoPackage === guard.package && name.includes(guard.test));
  const targets = new Map(own.map(({ target }) => [target.join(' '), target]));
  return ['--package', guard.package, ...[...targets.values()].flat()];
}

/** What is wrong, or nothing when the test goes red as it should. */
function tryWithout(guard, tests, copy) {
  const path = join(copy, guard.file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(guard.find).length - 1;
  if (places !== 1) return `the text of the guard occurs ${places} times in ${guard.file}`;
  writeFileSync(path, source.replace(guard.find, () => guard.replace));
  const problem = runTests(whereItsTestsAre(guard, tests), `test(${guard.test})`, copy, TESTS_FAILED);
  writeFileSync(path, source);
  return problem;
}

const copy = copyOfCheckout();
let bad = 0;
try {
  checkThatTestsAreGreen(copy);
  const tests = listTests(copy);
  for (const guard of guards) {
    const problem = tryWithout(guard, tests, copy);
    if (problem) bad += 1;
    console.log(`${problem ? 'FAIL' : 'ok  '} ${guard.statement ?? '-'}: ${guard.guard}: ${problem ?? `${guard.test} goes red`}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${guards.length - bad} passed, ${bad} failed`);
process.exitCode = bad === 0 ? 0 : 1;
