import { operations, type Operations } from "../generated/box-api";
import { client } from "./api";

export const box = client<Operations>(operations);
