/** Which login fields belong together. Looks at presence only, so that it can speak beside other errors of the same fields. */
export interface LoginFields {
  readonly authType?: unknown;
  readonly password?: unknown;
  readonly oauthTokenUrl?: unknown;
  readonly oauthClientId?: unknown;
  readonly oauthClientSecret?: unknown;
  readonly oauthRefreshToken?: unknown;
  readonly oauthAuthorizationId?: unknown;
}

export interface LoginFieldError {
  readonly field: keyof LoginFields;
  readonly code: 'REQUIRED' | 'NOT_ALLOWED';
  readonly message: string;
}

export function loginFieldErrors(imap: LoginFields, isPasswordRequired: boolean): readonly LoginFieldError[] {
  const isGiven = (field: keyof LoginFields): boolean => imap[field] !== undefined && imap[field] !== null;
  const required = (field: keyof LoginFields): LoginFieldError[] =>
    isGiven(field) ? [] : [{ field, code: 'REQUIRED', message: 'This is required.' }];
  const refused = (field: keyof LoginFields, login: string): LoginFieldError[] =>
    isGiven(field)
      ? [{ field, code: 'NOT_ALLOWED', message: `This belongs to the login with ${login}.` }]
      : [];
  if (imap.authType === 'oauth2')
    return [...required('oauthTokenUrl'), ...required('oauthClientId'), ...refused('password', 'a password')];
  return [
    ...(isPasswordRequired ? required('password') : []),
    ...refused('oauthClientSecret', 'OAuth'),
    ...refused('oauthRefreshToken', 'OAuth'),
    ...refused('oauthAuthorizationId', 'OAuth'),
  ];
}
