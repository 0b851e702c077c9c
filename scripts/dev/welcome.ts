/** The message with commands to try, when the server is ready. */
export function welcome(port: number, metricsPort: number): string {
  const api = `http://localhost:${port}`
  const json = "-H 'content-type: application/json'"
  return `
The auth server is ready. It restarts after each change of its code. Ctrl-C stops it.

  API            ${api}
  documentation  ${api}/docs
  metrics        http://localhost:${metricsPort}/metrics

Try:
  curl ${api}/v1/auth/register ${json} -d '{"email":"me@example.com","password":"correct horse battery","name":"Me"}'
  curl ${api}/v1/auth/login ${json} -d '{"email":"me@example.com","password":"correct horse battery"}'
  curl ${api}/v1/auth/verify -H "authorization: Bearer $ACCESS_TOKEN"
`
}
