import type { SharedState } from '@authservice-operator/contract/shared-state.ts'
import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Color } from '../model/colors.ts'
import type { Exposure } from '../model/exposure.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Owner } from '../model/owner.ts'
import type { KeptRevision, PodTemplate } from '../model/revision.ts'
import type { DesiredSecret, SecretData } from '../model/secret-data.ts'
import type { WantedMonitoring } from './monitoring/wanted.ts'

/** The complete input of the pod template of a server. */
export interface TemplateInput {
  owner: Owner
  resolved: ResolvedSpec
  /** `setup` has its own version: another version of the server, or of the operator, must not restart a database. */
  images: { server: string; setup: string; redis: string; mongodb: string; nginx: string }
  /** Value of the last requested `restart`: another value replaces the server pods. */
  restartedBy: string | undefined
  /** Every Secret that the operator manages for it. */
  secrets: readonly DesiredSecret[]
  /** Existing Secrets that the spec names, by name. */
  referencedSecrets: ReadonlyMap<string, SecretData>
  /** What the cluster provides to expose the server. */
  exposure: Exposure
  /** Whether every pod of the Nginx edge sends its secret: only then do servers require it. */
  edgeShowsSecret: boolean
}

/**
 * The complete input of the children of one AuthService. The same input results in the same children, byte for byte.
 */
export interface RenderInput extends TemplateInput {
  /** Which monitoring children are created. */
  monitoring: WantedMonitoring
  /** Where revisions run, and which of them receives the traffic. */
  placement: Placement
  /** Egress that server pods of another revision may still need, as rules of a NetworkPolicy. */
  keptEgress: readonly unknown[]
}

/** The desired state of the two colours. */
export interface Placement {
  /** The colour whose pods receive the traffic. */
  activeColor: Color
  /** The colour that the preview Service selects; undefined: none. */
  previewColor: Color | undefined
  /** The revision of each colour; a colour without an entry has no Deployment. */
  colors: Partial<Record<Color, { revision: string; template: PodTemplate }>>
  /** The test to run, with the image of the tested revision; undefined: no test now. */
  smokeTest: { name: string; image: string; unshared: readonly SharedState[] } | undefined
  /** The revision that the database is prepared for; undefined only if its revision is unknown. */
  migration: Migration | undefined
  /**
   * The only revision that still uses the database, so that objects of earlier revisions can be removed; undefined:
   * earlier revisions may return.
   */
  contraction: Migration | undefined
  /** Revisions to keep, with their templates. */
  revisions: readonly KeptRevision[]
}

/** A complete child, except for the hash that is added when it is applied. */
export type Child = Manifest & { readonly [field: string]: unknown }

/** Input of a migration: the template of a revision, so that it uses the same image and database. */
export interface MigrationSource {
  template: PodTemplate
  /** Distinguishes the attempts at one revision: a failed migration runs again when a user requests it. */
  attempt: number
}

/** A migration with the name of its Job. */
export interface Migration extends MigrationSource {
  name: string
  /** When it completed, if its time-to-live has since removed the Job: it is not created again. */
  finishedAt?: Date
}
