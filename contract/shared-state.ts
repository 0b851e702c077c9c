/**
 * State that the servers of both colours share unless a change of the spec separates it. `database`: users and
 * sessions. `tokens`: issuer, audience and signing keys. `redis`: propagation of revocations to every server.
 */
export const sharedStates = ['database', 'tokens', 'redis'] as const

export type SharedState = (typeof sharedStates)[number]
