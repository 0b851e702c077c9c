/** Concurrent requests of one server. */
export const maxRequests = 10
/** Those to one client. */
const maxRequestsOfClient = 2
/** Those to all clients whose last attempt failed: receivers that hang leave the rest to the others. */
const maxRequestsOfFailing = maxRequests / 2

/**
 * The clients that get no other request now.
 * @param sending the client of each request in progress
 * @param failing clients whose last attempt failed
 */
export function clientsToWait(sending: readonly string[], failing: ReadonlySet<string>): string[] {
  const requestsOf = (client: string) => sending.filter((each) => each === client).length
  const atTheirLimit = sending.filter((client) => requestsOf(client) >= maxRequestsOfClient)
  const areFailingAtLimit = sending.filter((client) => failing.has(client)).length >= maxRequestsOfFailing
  return [...new Set([...atTheirLimit, ...(areFailingAtLimit ? failing : [])])]
}
