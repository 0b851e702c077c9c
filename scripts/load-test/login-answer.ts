/**
 * The header of a user who has logged in.
 * @param email of the user @param answer to the login
 * @throws Error that says what to do about any other answer
 */
export function bearerOf(email: string, { status, body }: { status: number; body: string }): Record<string, string> {
  if (status === 202) {
    throw new Error(
      `${email} needs a second factor, which this command cannot send. Name a user who has none, and whom the deployment does not require to have one (MFA_MODE).`,
    )
  }
  if (status !== 200) throw new Error(`Logging in as ${email} was answered with ${status}: ${body}`)
  return { authorization: `Bearer ${JSON.parse(body).access_token}` }
}
