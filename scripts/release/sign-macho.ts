import { pythonPackages } from '../../tools/checkers/python-packages.ts'
import type { StepLog } from '../../tools/programs/step-log.ts'

const program = `
import sys
from apple_platform import signing
signing.sign(sys.argv[1], binary_identifier=sys.argv[2])
`

/**
 * Gives an executable for macOS an ad-hoc signature: the digests of its pages, without an identity. macOS on arm64 runs
 * no executable without one.
 */
export async function signAdHoc(file: string, identifier: string, log: StepLog): Promise<void> {
  const PYTHONPATH = await pythonPackages('apple-platform-py')
  await log.run('python3', ['-c', program, file, identifier], { env: { PYTHONPATH } })
}
