import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { cached } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { StepLog } from '../programs/step-log.ts'

/** A program of Prometheus from PATH, or from Debian's package, unpacked into the cache. */
export async function prometheusProgram(name: 'prometheus' | 'promtool'): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(folder, name)
    if (await isExecutable(candidate)) return candidate
  }
  return join(await cached('promtool', { package: 'prometheus', layout: '1' }, unpack), 'usr/bin', name)
}

/** Runs promtool. @returns its output, and whether it succeeded */
export async function runPromtool(programArguments: string[]): Promise<{ ok: boolean; output: string }> {
  const program = await prometheusProgram('promtool')
  return new Promise((resolve) => {
    execFile(program, programArguments, (error, stdout, stderr) =>
      resolve({ ok: error === null, output: `${stdout}${stderr}` }),
    )
  })
}

/** Unpacks the package without its dependencies, which its programs do not need. */
async function unpack(folder: string): Promise<void> {
  const log = new StepLog(join(checkout.logDirectory, 'promtool.log'))
  const download = () =>
    log.run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', 'prometheus'], { cwd: folder })
  try {
    await download()
  } catch {
    // A fresh machine has no package index.
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
