internal import CKernels

/// How keys and values of past tokens are stored.
public enum KVFormat: String, Sendable, CaseIterable {
    /// As they were computed.
    case f32
    /// Rounded to half precision.
    case f16
    /// 8 bits, a 32-bit scale for 32 numbers of a head of a token: 9 bits a number.
    case int8

    /// Bytes of the keys and values of so many tokens of one head. Pages are not divided.
    public func byteCount(tokens: Int, headSize: Int) -> Int {
        (tokens + KVPages.tokensPerPage - 1) / KVPages.tokensPerPage
            * rs_kv_page_bytes(type, headSize)
    }

    var type: rs_kv {
        switch self {
        case .f32: RS_KV_F32
        case .f16: RS_KV_F16
        case .int8: RS_KV_INT8
        }
    }
}
