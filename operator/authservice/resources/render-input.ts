import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Manifest } from '../apply/plan.ts'
import type { Color } from '../rollout/decide.ts'
import type { DesiredSecret, SecretData } from '../secrets/secret-data.ts'

/** All that the children of one AuthService are made from. The same input gives the same children, byte for byte. */
export interface RenderInput {
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
  /** The colour whose pods get the traffic. */
  activeColor: Color
}

/** A child, complete but for the hash that is put on when it is applied. */
export type Child = Manifest & { readonly [field: string]: unknown }
