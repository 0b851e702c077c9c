import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { cached, fileIngredients } from '../cluster/cache.ts'
import { checkout } from '../cluster/checkout.ts'
import { StepLog } from '../cluster/step-log.ts'

/** Pins checkov and all that it needs. */
const requirements = resolve(import.meta.dirname, 'python/checkov.txt')

/** The part of checkov's report that is read. */
interface Report {
  results: { failed_checks: { check_id: string; resource: string; file_path: string }[] }
  summary: { passed: number; parsing_errors: number; resource_count: number }
}

/**
 * What checkov says about the manifests in a folder. It is installed from the Python Package Index when it is not in the
 * cache: half a minute.
 */
export async function runCheckov(folder: string): Promise<Report> {
  const options = ['--framework', 'kubernetes', '--skip-download', '--quiet', '--compact', '--output', 'json']
  // It ends with 1 when it found something.
  const { stdout, stderr, exitCode } = await execa(
    'python3',
    ['-m', 'checkov.main', '--directory', folder, ...options],
    {
      env: { PYTHONPATH: await packages() },
      reject: false,
    },
  )
  if (exitCode !== 0 && exitCode !== 1) throw new Error(`checkov ended with ${exitCode}: ${stderr}${stdout}`)
  return JSON.parse(stdout)
}

async function packages(): Promise<string> {
  const { stdout: version } = await execa('python3', ['--version'])
  const pinned = await fileIngredients(join(requirements, '..'), ['checkov.txt'])
  return cached('checkov', { ...pinned, version }, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, 'checkov.log'))
    const options = ['--quiet', '--no-deps', '--no-cache-dir', '--only-binary=:all:', '--disable-pip-version-check']
    const what = ['--target', unfinished, '--requirement', requirements]
    await log.run('python3', ['-m', 'pip', 'install', ...options, ...what])
  })
}
