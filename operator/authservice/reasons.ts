/**
 * Every reason that a condition of an AuthService can have, with what it means. Scripts and alerts match on these
 * words, so a released one keeps its meaning.
 */
export const reasons = {
  // Ready, Reconciling, Stalled
  Ready: 'Everything that the spec asks for is there and works.',
  Progressing: 'The operator is working on it, or waits for something that will come by itself.',
  Settled: 'Nothing is left to do for this generation.',
  NotStalled: 'Nothing waits for a person.',
  Suspended: 'spec.suspend is set: the operator looks and reports, and changes nothing.',

  // One part
  Available: 'The part is there and works.',
  Waiting: 'The part is on its way.',
  Failed: 'The part cannot become available by itself.',
  External: 'The part is run by somebody else, and the AuthService points to it.',
  Disabled: 'The spec asks for none.',

  // Rollout
  RolloutComplete: 'Every server pod runs the revision that the spec asks for.',
  RolloutInProgress: 'A revision is going out.',
  RolloutFailed: 'A revision did not become available in time.',

  // What was found out about a database
  MongoDBNotReplicaSet: 'MongoDB is a standalone server, where transactions fail.',
  RedisEvictsKeys: 'Redis may evict keys, so limits and revocations would be forgotten.',
  RedisUnreachable: 'A Redis that somebody else runs did not answer when it was looked at.',

  // What only the writer of the spec can mend
  SecretNotFound: 'A Secret that the spec names does not exist.',
  SecretKeyNotFound: 'A Secret that the spec names lacks the key, or the key is empty.',
  SecretInvalid: 'A Secret holds something else than what it is used for.',
  SigningSecretTooShort: 'A signing secret has fewer than 256 bits.',
  KeySetInvalid: 'A key set file cannot be read. It is left as it is, for it may hold keys that tokens depend on.',
  CertificateInvalid: 'A certificate is expired, or is not for the host.',
  CertificateRequired: 'Staging and production need a certificate, and the spec names none.',
  PasswordsLost: 'The passwords of a database are gone while its volume still has data, so new ones would not open it.',
  KindNotAvailable: 'The spec needs a kind that the cluster does not have, or that the operator may not use.',
  IngressClassNotFound: 'The IngressClass that the spec names does not exist, or there is no default one.',
  LimitedByFront: 'What the cluster has in front cannot do all that the spec asks for.',
  ImageNotAllowed: 'The image is outside of the prefixes that this operator may run.',
  PrometheusMissing: 'The spec judges revisions by a query, and this operator knows no Prometheus.',
  BackupVolumeMissing: 'The volume that backups are to go to does not exist.',
  KindMissing: 'The spec asks for a child whose kind the cluster does not have, or the operator may not use.',
  ApplyRefused: 'The API server refused a child.',
  ChildNotOwned: 'An object of a child’s name exists and belongs to somebody else.',

  // Production checklist
  ChecklistComplete: 'No item of the production checklist is open.',
  ChecklistOpen: 'Items of the production checklist are open.',
  NotProduction: 'Items of the production checklist are open, and the environment is not production.',
} as const

export type Reason = keyof typeof reasons
