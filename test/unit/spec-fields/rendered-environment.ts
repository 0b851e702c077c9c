import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Outcome } from './effects.ts'

/** The location of a container in an outcome: `Deployment accounts-blue: spec.template.spec.containers[server]`. */
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
 * The environment of a container, with the files of its Secrets and ConfigMaps written below a folder.
 * @param contentOf the content of a key of a Secret; undefined when the volume has no such file
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

  /** Writes the file at a path below a mounted volume, and returns its path in the folder. */
  function inFolder(value: string): string {
    const [, volume, key] = /^\/etc\/authservice\/([^/]+)\/([^/]+)$/.exec(value) ?? []
    if (volume === undefined || key === undefined) return value
    const secret = outcome.get(`${pod}.volumes[${volume}].secret.secretName`)
    const configMap = outcome.get(`${pod}.volumes[${volume}].configMap.name`)
    const content = secret === undefined ? outcome.get(`ConfigMap ${configMap}: data.${key}`) : contentOf(secret, key)
    if (secret === undefined && content === undefined) throw new Error(`${value} is not in a volume of the pod`)
    const file = join(folder, volume, key)
    mkdirSync(dirname(file), { recursive: true })
    if (content !== undefined) writeFileSync(file, content)
    return file
  }
}
