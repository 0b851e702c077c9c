import { expect } from 'vitest'
import { childKinds } from '../../../operator/authservice/model/kinds.ts'
import { appliedFields, valueAt } from '../operator/random-edits.ts'
import type { Live, Namespace } from './namespace.ts'

/** `path: value` of every field that the operator has applied to the children of an AuthService, without its name. */
export async function endState(namespace: Namespace, name: string): Promise<Record<string, string[]>> {
  const { uid } = (await namespace.authService(name)).metadata
  const lists = await Promise.all(
    childKinds.map(async ({ kind }) => (await namespace.list(kind)).map((child) => ({ ...child, kind }))),
  )
  const children: Live[] = lists
    .flat()
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid))
  // Names contain hashes of content that contains the name.
  const hash = /\b[0-9a-f]{8,16}\b/g
  const anonymous = (text: string) =>
    text.replaceAll(uid, 'UID').replaceAll(namespace.name, 'NAMESPACE').replaceAll(name, 'NAME').replace(hash, 'HASH')
  const entries = children.map((child) => {
    // The hash depends on the name too.
    const fields = appliedFields(child).filter((path) => !JSON.stringify(path).includes('desired-hash'))
    const values = fields.map((path) => anonymous(`${JSON.stringify(path)}: ${JSON.stringify(valueAt(child, path))}`))
    return [anonymous(`${child.kind} ${child.metadata.name}`), values.sort()] as const
  })
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** Waits until the children of the AuthService equal those of another one, field by field. */
export async function untilSameAs(
  expected: Record<string, string[]>,
  namespace: Namespace,
  name: string,
): Promise<void> {
  await expect
    .poll(() => endState(namespace, name), { timeout: 45_000, interval: 200, message: `children of ${name}` })
    .toEqual(expected)
}

/** The data of the Secrets of an AuthService, by name. */
export async function secretsOf(namespace: Namespace, name: string): Promise<Record<string, unknown>> {
  const secrets = await namespace.list('Secret')
  return Object.fromEntries(
    secrets
      .filter(({ metadata }) => metadata.name.startsWith(`${name}-`))
      .map((secret) => [secret.metadata.name, secret['data']]),
  )
}
