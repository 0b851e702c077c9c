import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { parseAllDocuments } from 'yaml'
import { clientTools } from '../../tools/local-cluster/client-tools.ts'
import type { StepLog } from '../../tools/programs/step-log.ts'
import { imagesOf, pinImages } from './pinned-images.ts'
import { root } from './version.ts'

/** The files for `kubectl apply -f`: name → overlay. */
export const installFiles = {
  'install.yaml': 'manifests/overlays/production',
  'install-namespaced.yaml': 'manifests/overlays/namespaced',
} as const

/** The objects of each overlay, before their images have digests. */
export interface Manifests {
  texts: ReadonlyMap<string, string>
  /** Every image of them. */
  images: string[]
}

export async function buildManifests(log: StepLog): Promise<Manifests> {
  const { kubectl } = await clientTools(log)
  const texts = new Map<string, string>()
  for (const [file, overlay] of Object.entries(installFiles)) {
    const { stdout } = await execa(kubectl, ['kustomize', join(root, overlay)])
    texts.set(file, stdout)
  }
  const objects = [...texts.values()].flatMap((text) => parseAllDocuments(text).map((document) => document.toJS()))
  return { texts, images: imagesOf(objects) }
}

/** Writes the files with digests. @returns their paths */
export async function writeInstallFiles(
  directory: string,
  { texts }: Manifests,
  version: string,
  digests: ReadonlyMap<string, string>,
): Promise<string[]> {
  const files: string[] = []
  for (const [name, text] of texts) {
    const file = join(directory, name)
    await writeFile(
      file,
      `# The AuthService operator ${version}: kubectl apply -f ${name}\n${pinImages(text, digests)}\n`,
    )
    files.push(file)
  }
  return files
}
