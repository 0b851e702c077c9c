import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { cosign } from '../../tools/checkers/cosign.ts'

/** Signs with cosign, which stores signatures and attestations beside the image in its registry. */
export interface Signer {
  /**
   * Signs an image or a chart, with every manifest of an index.
   * @param reference by digest
   */
  sign(reference: string): Promise<void>
  /**
   * Attaches a signed statement about an image.
   * @param predicate a file
   */
  attest(reference: string, type: 'spdxjson' | 'slsaprovenance1', predicate: string): Promise<void>
  /** Writes the signature of a file into another. */
  signFile(file: string, bundle: string): Promise<void>
}

/** Without a key: GitHub's identity of the workflow, a short-lived certificate, and the public transparency log. */
export async function keylessSigner(): Promise<Signer> {
  return signerWith(await cosign(), [])
}

/** With a key, and without any service. Verification needs `--insecure-ignore-tlog`, because there is no log. */
export interface KeySigner extends Signer {
  publicKey: string
  /** Removes both keys. */
  close(): Promise<void>
}

/** Generates a key that no other run uses. */
export async function keySigner(): Promise<KeySigner> {
  const directory = await mkdtemp(join(tmpdir(), 'authservice-signer-'))
  const program = await cosign()
  await execa(program, ['generate-key-pair'], { cwd: directory, env: withoutPassword })
  const noServices = ['fulcio', 'oidc', 'rekor', 'tsa'].map((service) => `--no-default-${service}`)
  const configuration = join(directory, 'signing-config.json')
  await execa(program, ['signing-config', 'create', ...noServices, '--out', configuration])
  return {
    ...signerWith(program, ['--key', join(directory, 'cosign.key'), '--signing-config', configuration]),
    publicKey: join(directory, 'cosign.pub'),
    close: () => rm(directory, { recursive: true }),
  }
}

const withoutPassword = { COSIGN_PASSWORD: '' }

function signerWith(program: string, how: readonly string[]): Signer {
  const run = async (command: readonly string[]) => {
    await execa(program, [...command.slice(0, 1), '--yes', ...how, ...command.slice(1)], { env: withoutPassword })
  }
  return {
    sign: (reference) => run(['sign', '--recursive', reference]),
    attest: (reference, type, predicate) => run(['attest', '--type', type, '--predicate', predicate, reference]),
    signFile: (file, bundle) => run(['sign-blob', '--bundle', bundle, file]),
  }
}
