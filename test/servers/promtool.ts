import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { cached } from '../cluster/cache.ts'
import { checkout } from '../cluster/checkout.ts'
import { StepLog } from '../cluster/step-log.ts'

/** promtool of this machine, else the one in Debian's package of Prometheus, unpacked into the cache. */
export async function promtool(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, 'promtool')
    if (await isExecutable(candidate)) return candidate
  }
  return join(await cached('promtool', { package: 'prometheus', layout: '1' }, unpack), 'usr/bin/promtool')
}

/** Runs promtool. @returns what it said, and whether it was content */
export async function runPromtool(programArguments: string[]): Promise<{ ok: boolean; output: string }> {
  const program = await promtool()
  return new Promise((resolve) => {
    execFile(program, programArguments, (error, stdout, stderr) =>
      resolve({ ok: error === null, output: `${stdout}${stderr}` }),
    )
  })
}

/** The package alone, not what it depends on: promtool needs nothing of that. */
async function unpack(folder: string): Promise<void> {
  const log = new StepLog(join(checkout.logDirectory, 'promtool.log'))
  const download = () =>
    log.run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', 'prometheus'], { cwd: folder })
  try {
    await download()
  } catch {
    // A machine that was never updated has no package index.
    await log.run('apt-get', ['update', '-qq'])
    await download()
  }
  for (const archive of await readdir(folder)) {
    if (!archive.endsWith('.deb')) continue
    await log.run('dpkg', ['--extract', join(folder, archive), folder])
    await log.run('rm', [join(folder, archive)])
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
