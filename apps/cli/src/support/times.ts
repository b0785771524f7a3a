export { formatTime, parseDuration, parseTime, TIME_FORMS } from '@quipu/platform';
