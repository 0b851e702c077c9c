import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Outcome } from './effects.ts'

/** Where an outcome has a container, such as `Deployment accounts-blue: spec.template.spec.containers[server]`. */
export interface ContainerPlace {
  pod: string
  container: string
}

export const serverPlace: ContainerPlace = {
  pod: 'Deployment accounts-blue: spec.template.spec',
  container: 'containers[server]',
}
export const migrationPlace: ContainerPlace = {
  pod: 'Job accounts-migrate: spec.template.spec',
  container: 'containers[migrate]',
}

/**
 * The environment of a container, with the files that its Secrets would be in a pod written below a folder.
 * @param contentOf what a key of a Secret holds; undefined: the volume has no such file
 */
export function renderedEnvironment(
  outcome: Outcome,
  { pod, container }: ContainerPlace,
  contentOf: (secret: string, key: string) => string | undefined,
  folder: string,
): Record<string, string> {
  const prefix = `${pod}.${container}.env[`
  const environment: Record<string, string> = {}
  for (const [path, value] of outcome) {
    if (!path.startsWith(prefix) || !path.endsWith('].value')) continue
    environment[path.slice(prefix.length, -'].value'.length)] = inFolder(value)
  }
  return environment

  /** A path below a mounted volume, written to the folder. */
  function inFolder(value: string): string {
    const [, volume, key] = /^\/etc\/authservice\/([^/]+)\/([^/]+)$/.exec(value) ?? []
    if (volume === undefined || key === undefined) return value
    const secret = outcome.get(`${pod}.volumes[${volume}].secret.secretName`)
    if (secret === undefined) throw new Error(`${value} is in no volume of the pod`)
    const file = join(folder, volume, key)
    const content = contentOf(secret, key)
    mkdirSync(dirname(file), { recursive: true })
    if (content !== undefined) writeFileSync(file, content)
    return file
  }
}
