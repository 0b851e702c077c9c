/**
 * Every reason that a condition of an AuthClient can have, with its meaning. Scripts and alerts match reasons, so a
 * released one keeps its meaning.
 */
export const reasons = {
  Ready: 'Servers accept the client.',
  Progressing: 'Servers do not have the client, or its latest change, yet. No action is required.',
  Settled: 'Nothing is left to do for this generation.',
  NotStalled: 'No problem requires action by a user.',
  AuthServiceNotFound: 'The AuthService that the spec names does not exist.',
  OpenIDConnectDisabled: 'The AuthService is no OpenID provider.',
  NamespaceNotAllowed:
    'The AuthService does not accept clients of this namespace, or does not exist in the other namespace.',
  Invalid: 'Servers would refuse the client.',
  SecretNotOwned: 'A Secret with the name of the credentials exists and does not belong to the AuthClient.',
  SecretRefused: 'The API server rejects the Secret with the credentials.',
  IssuerUnknown:
    'The operator cannot read who issues the tokens of ServiceAccounts, so that servers could not verify them.',
  ReceiverAdmitted: 'Servers send logout tokens to the client.',
  ReceiverNotAdmitted: 'The AuthService does not list the host and port to which the client wants logout tokens.',
  TooManyClients: 'The file of the servers has no room for the client.',
} as const satisfies Record<string, string>

export type Reason = keyof typeof reasons
