import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Manifest } from '../apply/plan.ts'
import type { Front } from '../front.ts'
import type { WantedMonitoring } from '../monitoring.ts'
import type { KeptRevision, PodTemplate } from '../rollout/revisions.ts'
import type { Color } from '../rollout/world.ts'
import type { DesiredSecret, SecretData } from '../secrets/secret-data.ts'
import type { Migration } from './migration.ts'

/** All that the pod template of a server is made from. */
export interface TemplateInput {
  owner: { name: string; namespace: string; uid: string }
  resolved: ResolvedSpec
  /** `setup` is the operator's own server image: another version of the server must not restart its database. */
  images: { server: string; setup: string; redis: string; mongodb: string; nginx: string }
  /** Value of the last `restart` that was asked for: another value makes new server pods. */
  restartedBy: string | undefined
  /** Every Secret that the operator keeps for it. */
  secrets: readonly DesiredSecret[]
  /** Secrets that the spec names and that exist, by name. */
  referencedSecrets: ReadonlyMap<string, SecretData>
  /** What the cluster has to put in front of the server. */
  front: Front
}

/** All that the children of one AuthService are made from. The same input gives the same children, byte for byte. */
export interface RenderInput extends TemplateInput {
  /** Which children of monitoring are made. */
  monitoring: WantedMonitoring
  /** Where revisions run, and which of them gets the traffic. */
  placement: Placement
  /** Ways out of the server pods that pods of another revision may still need, as rules of a NetworkPolicy. */
  keptEgress: readonly unknown[]
}

/** What the two colours are to be. */
export interface Placement {
  /** The colour whose pods get the traffic. */
  activeColor: Color
  /** The colour that the preview Service leads to; undefined: there is none. */
  previewColor: Color | undefined
  /** What each colour runs; one that is left out has no Deployment. */
  colors: Partial<Record<Color, { revision: string; template: PodTemplate }>>
  /** The test to run, with the image of the revision that it tests; undefined: none is wanted now. */
  smokeTest: { name: string; image: string } | undefined
  /** What the database is made ready for; undefined only where its revision is not known. */
  migration: Migration | undefined
  /** What the database is left to alone, without what earlier revisions needed; undefined: they may come back. */
  contraction: Migration | undefined
  /** Revisions that are kept, with their templates. */
  revisions: readonly KeptRevision[]
}

/** A child, complete but for the hash that is put on when it is applied. */
export type Child = Manifest & { readonly [field: string]: unknown }
