import { execa } from 'execa'
import { syft } from '../../tools/checkers/syft.ts'

/**
 * Writes the SPDX document of an image of one platform.
 * @param reference by the digest of the manifest, in a registry that this machine reaches
 */
export async function writeSbom(
  file: string,
  reference: string,
  about: { name: string; version: string },
): Promise<void> {
  const source = ['--source-name', about.name, '--source-version', about.version]
  await execa(await syft(), ['scan', `registry:${reference}`, ...source, '--output', `spdx-json=${file}`, '--quiet'], {
    env: {
      SYFT_CHECK_FOR_APP_UPDATE: 'false',
      SYFT_REGISTRY_INSECURE_USE_HTTP: String(reference.startsWith('127.0.0.1:')),
    },
  })
}
