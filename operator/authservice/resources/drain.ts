/** Seconds that a server pod goes on answering after SIGTERM: until each node has learned that it goes. */
export const serverDrainSeconds = 5

/**
 * Seconds that the edge keeps a connection to a server that nothing uses. The server ends those that are left when it
 * has drained, and a request that is sent at that moment is lost: so the edge lets go of them long before.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.5
 */
export const idleUpstreamSeconds = 1
