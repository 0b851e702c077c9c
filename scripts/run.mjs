/**
 * Runs one of the project's TypeScript programs on a machine that has only Node ≥ 20 and npm:
 * installs the npm dependencies when they are missing or older than the lockfile, then hands over to Node 24,
 * which runs TypeScript as it is. On Linux, Node 24 comes with the dependencies.
 *
 * Usage: node scripts/run.mjs PROGRAM.ts [ARGUMENT ...]
 *
 * Plain JavaScript without imports from npm, because nothing is installed yet when it starts.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const wantedMajor = 24
const root = resolve(fileURLToPath(import.meta.url), '../..')
const binaries = join(root, 'node_modules', '.bin')

const [program, ...programArguments] = process.argv.slice(2)
if (program === undefined) fail('Usage: node scripts/run.mjs PROGRAM.ts [ARGUMENT ...]')
if (majorOf(process.versions.node) < 20) {
  fail(`Node ${process.versions.node} is too old to start this project: install Node 20 or later (https://nodejs.org).`)
}

installDependencies()
runProgram(findNode())

/** Installs what package-lock.json names, once per content of that file; a broken install is repeated next time. */
function installDependencies() {
  const lockfile = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.installed-from-lockfile')
  const installedBefore = existsSync(stamp)
  if (installedBefore && readFileSync(stamp, 'utf8') === lockfile) return

  console.error('Installing the npm dependencies (about 20 seconds the first time) …')
  // `ci` starts from nothing; `install` changes only what differs, so a program that runs meanwhile keeps its files.
  const verb = installedBefore ? 'install' : 'ci'
  const npmCli = process.env.npm_execpath
  const [command, prefix] = npmCli === undefined ? ['npm', []] : [process.execPath, [npmCli]]
  const installed = spawnSync(command, [...prefix, verb, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
  })
  if (installed.error) fail(`npm could not be started: ${installed.error.message}. Install npm, then run this again.`)
  if (installed.status !== 0) {
    fail('npm could not install the dependencies: see its message above. Nothing else was changed; run this again.')
  }
  writeFileSync(stamp, lockfile)
}

/** @returns {string} the path of a Node that runs TypeScript without a flag */
function findNode() {
  if (majorOf(process.versions.node) >= wantedMajor) return process.execPath
  const bundled = join(binaries, 'node')
  if (existsSync(bundled)) return bundled
  return fail(
    `Node ${wantedMajor} is needed and this is Node ${process.versions.node}. There is no bundled one for ` +
      `${process.platform}-${process.arch}: install it with "nvm install ${wantedMajor}" or from https://nodejs.org, then run this again.`,
  )
}

/** @param {string} node */
function runProgram(node) {
  const child = spawn(node, [join(root, program), ...programArguments], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}`, NODE_NO_WARNINGS: '1' },
  })
  // Ctrl-C also reaches the child, because both share the terminal's process group. Wait until it has cleaned up.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  // npm runs this program through a shell, and a shell that SIGTERM ends does not forward the signal.
  const parent = process.ppid
  if (process.env.npm_lifecycle_event !== undefined) {
    setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 500).unref()
  }
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}

/** @param {string} version */
function majorOf(version) {
  return Number(version.split('.', 1)[0])
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message)
  process.exit(1)
}
