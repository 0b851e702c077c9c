import { join } from 'node:path'
import { execa } from 'execa'
import { inject } from 'vitest'
import { publicKeyFile } from '../../scripts/release/runs.ts'
import { cosign } from '../../tools/checkers/cosign.ts'

export const released = inject('release')
const publicKey = join(released.output, publicKeyFile)

/** The outcome of a verification. */
export interface Verification {
  ok: boolean
  stdout: string
  stderr: string
}

/** `cosign verify…` with a key, and without the transparency log, which a dry run does not use. */
export async function verify(command: readonly string[], key = publicKey): Promise<Verification> {
  const [name = '', ...rest] = command
  const options = ['--key', key, '--insecure-ignore-tlog']
  const { stdout, stderr, failed } = await execa(await cosign(), [name, ...options, ...rest], { reject: false })
  return { ok: !failed, stdout, stderr }
}

/** The signed statement about an image. @throws when the signature is not valid */
export async function attestation(reference: string, type: string): Promise<Statement> {
  const { ok, stdout, stderr } = await verify(['verify-attestation', '--type', type, reference])
  if (!ok) throw new Error(stderr)
  const { payload } = JSON.parse(stdout.split('\n')[0] ?? '')
  return JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))
}

/** An in-toto statement with the parts of its predicate that tests read. */
interface Statement {
  subject: { digest: { sha256: string } }[]
  predicateType: string
  predicate: {
    spdxVersion?: string
    packages?: { name: string; versionInfo?: string }[]
    buildDefinition?: {
      externalParameters: { version: string }
      resolvedDependencies: { uri: string; digest: Record<string, string> }[]
    }
  }
}
