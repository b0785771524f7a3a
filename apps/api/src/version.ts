export { VERSION } from '@quipu/platform';
