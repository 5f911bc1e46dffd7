import { operations, type Operations } from "../generated/hq-api";
import { client } from "./api";

export const hq = client<Operations>(operations);
