/**
 * Seconds for which a server pod continues to answer after SIGTERM, until every node has removed it from the endpoints.
 */
export const serverDrainSeconds = 5

/**
 * Seconds for which the edge keeps an idle connection to a server. The server closes the remaining connections when it
 * has drained, and a request that is sent at that moment is lost. The edge must therefore close its connections long
 * before.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.5
 */
export const idleUpstreamSeconds = 1
