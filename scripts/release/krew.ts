import { stringify } from 'yaml'
import { type Archive, licenseFiles } from './archives.ts'
import { executableName } from './executable.ts'
import { partsOf } from './node-binaries.ts'

const homepage = 'https://github.com/authservice-operator/authservice-operator'

/**
 * The manifest with which krew installs the plug-in.
 * @param baseUrl of the archives, without a slash at its end
 * @see https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
 */
export function krewManifest({
  version,
  baseUrl,
  archives,
}: {
  version: string
  baseUrl: string
  archives: readonly Archive[]
}): string {
  return stringify({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'authservice' },
    spec: {
      version: `v${version}`,
      homepage,
      shortDescription: 'Control rollouts and restores of AuthServices',
      description:
        'Shows AuthServices with their rollout, colours and pods; promotes, aborts and rolls back revisions; restarts servers; restores backups.',
      caveats: `Needs the operator in the cluster: ${homepage}/blob/main/docs/install.md`,
      platforms: archives.map(({ platform, file, sha256 }) => ({
        selector: { matchLabels: partsOf(platform) },
        uri: `${baseUrl}/${file}`,
        sha256,
        bin: executableName(platform),
        files: [executableName(platform), ...licenseFiles].map((from) => ({ from, to: '.' })),
      })),
    },
  })
}
