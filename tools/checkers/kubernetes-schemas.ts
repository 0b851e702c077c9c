import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from '../programs/checkout.ts'
import { goModuleDirectory, readGoModule } from '../programs/go-module.ts'
import { goToolchain } from '../programs/go-toolchain.ts'
import { StepLog } from '../programs/step-log.ts'

/** A definition of Kubernetes' OpenAPI document, as far as this file reads it. */
interface Definition {
  properties?: Record<string, object>
  additionalProperties?: unknown
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

type Definitions = Record<string, Definition>

/** What kubeconform looks for in the folder of `writeKubernetesSchemas`. */
export const schemaLocation = '{{.ResourceKind}}{{.KindSuffix}}.json'

/**
 * Writes a JSON Schema for each kind that refuses unknown fields, from the OpenAPI document in the Go module of
 * Kubernetes: the default schemas of kubeconform are downloaded from elsewhere.
 *
 * @throws for a kind that Kubernetes does not define
 */
export async function writeKubernetesSchemas(
  folder: string,
  objects: readonly { apiVersion: string; kind: string }[],
): Promise<void> {
  const definitions = strict(await kubernetesDefinitions())
  for (const { apiVersion, kind } of objects) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    const [name] =
      Object.entries(definitions).find(([, definition]) =>
        definition['x-kubernetes-group-version-kind']?.some(
          (found) => found.group === group && found.version === version && found.kind === kind,
        ),
      ) ?? []
    if (name === undefined) throw new Error(`Kubernetes defines no ${kind} of ${apiVersion}`)
    const file = `${kind.toLowerCase()}-${[group?.split('.')[0], version].filter(Boolean).join('-')}.json`
    const schema = { $ref: `#/definitions/${name}`, definitions: reachable(definitions, name) }
    await writeFile(join(folder, file), JSON.stringify(schema))
  }
}

async function kubernetesDefinitions(): Promise<Definitions> {
  const log = new StepLog(join(checkout.logDirectory, 'kubernetes-schemas.log'))
  const go = await goToolchain((await readGoModule()).goVersion, log)
  const answer = await log.run(go, ['mod', 'download', '-json', 'k8s.io/kubernetes'], {
    cwd: goModuleDirectory,
    env: { GOWORK: 'off' },
  })
  const document = await readFile(join(JSON.parse(answer).Dir, 'api/openapi-spec/swagger.json'), 'utf8')
  return JSON.parse(document).definitions
}

/** Closes every object, and writes down the two types that OpenAPI 2 cannot express. */
function strict(definitions: Definitions): Definitions {
  const closed = Object.entries(definitions).map(([name, definition]) => {
    const isClosed = definition.properties !== undefined && definition.additionalProperties === undefined
    return [name, isClosed ? { ...definition, additionalProperties: false } : definition]
  })
  return {
    ...Object.fromEntries(closed),
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: ['integer', 'string'] },
    'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['number', 'string'] },
  }
}

function reachable(definitions: Definitions, name: string, found: Definitions = {}): Definitions {
  const definition = definitions[name]
  if (definition === undefined || name in found) return found
  found[name] = definition
  for (const [, next = ''] of JSON.stringify(definition).matchAll(/#\/definitions\/([\w.-]+)/g)) {
    reachable(definitions, next, found)
  }
  return found
}
