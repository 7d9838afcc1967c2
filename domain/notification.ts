export const NOTIFICATION_STATUSES = ['queued', 'sent', 'failed', 'suppressed'] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];

/** How long the link in an invitation can be used. */
export const INVITATION_LIFETIME_DAYS = 7;

/** A link's token: 256 random bits. */
export const INVITATION_TOKEN_BYTES = 32;
