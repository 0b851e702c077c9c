import type { Addresses } from './browser.ts'
import type { Credentials, PlanClient } from './plans.ts'

/** The OpenID provider that the plans test. */
export interface Provider {
  addresses: Addresses
  /**
   * Starts it with these clients and with the user of the browser.
   * @returns what the clients authenticate with
   */
  start(clients: readonly PlanClient[]): Promise<Credentials>
  /** Stops it, and removes what `start` has created. After a failed `start`, it stays as it is. */
  stop(): Promise<void>
}
