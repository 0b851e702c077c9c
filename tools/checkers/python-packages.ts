import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { cached, fileIngredients } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { StepLog } from '../programs/step-log.ts'

const folder = resolve(import.meta.dirname, 'python')

/**
 * A value for PYTHONPATH with exactly the packages that `python/<name>.txt` pins, from the cache or from the Python
 * Package Index.
 */
export async function pythonPackages(name: string): Promise<string> {
  const { stdout: version } = await execa('python3', ['--version'])
  const pinned = await fileIngredients(folder, [`${name}.txt`])
  return cached(name, { ...pinned, version }, async (unfinished) => {
    const log = new StepLog(join(checkout.logDirectory, `${name}.log`))
    const options = ['--quiet', '--no-deps', '--no-cache-dir', '--only-binary=:all:', '--disable-pip-version-check']
    const what = ['--target', unfinished, '--requirement', join(folder, `${name}.txt`)]
    await log.run('python3', ['-m', 'pip', 'install', ...options, ...what])
  })
}
