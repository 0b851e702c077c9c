import { idOf, type Manifest } from '../model/manifest.ts'
import { desiredHashAnnotation } from './desired-hash.ts'
import { asJson, findDifferences, type Json } from './differences.ts'

/** A field that does not have its desired value, although the operator wrote that value. */
export interface KeptField {
  path: string
  /** Its value instead; undefined: the field is omitted. */
  value: Json
}

/** The fields of an object that do not have their desired value. */
export function keptFields(wanted: Manifest, live: Manifest): KeptField[] {
  return findDifferences(asJson(wanted), asJson(live)).flatMap(({ path, live: value }) =>
    path === 'metadata.resourceVersion' ? [] : [{ path, value }],
  )
}

/** Policies are not watched, so after this time the operator tries again whether a policy still keeps a field. */
export const retryKeptSeconds = 600

interface Entry {
  /** The desired value, and the value that was found. */
  text: string
  until: number
}

/**
 * Remembers which fields an admission policy keeps at a value other than the desired one. Writing them in every
 * reconcile would change nothing, and would look as if a user edited the child repeatedly. Not persistent: after a
 * restart, each field is written once more.
 */
export class KeptFields {
  readonly #byOwner = new Map<string, Map<string, Entry>>()

  /**
   * Whether a child was written in its desired state and became what it is now.
   * @param owner key of the AuthService
   */
  areKnown(owner: string, wanted: Manifest, fields: readonly KeptField[], now: Date): boolean {
    const entry = this.#byOwner.get(owner)?.get(idOf(wanted))
    return entry !== undefined && entry.text === textOf(wanted, fields) && now.getTime() < entry.until
  }

  remember(owner: string, wanted: Manifest, fields: readonly KeptField[], now: Date): void {
    const entries = this.#byOwner.get(owner) ?? new Map<string, Entry>()
    entries.set(idOf(wanted), { text: textOf(wanted, fields), until: now.getTime() + retryKeptSeconds * 1_000 })
    this.#byOwner.set(owner, entries)
  }

  forget(owner: string): void {
    this.#byOwner.delete(owner)
  }
}

function textOf(wanted: Manifest, fields: readonly KeptField[]): string {
  return JSON.stringify([wanted.metadata.annotations?.[desiredHashAnnotation], fields])
}
